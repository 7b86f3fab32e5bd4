import type { HttpTransaction } from '#inspectors/http/transaction.ts'
import { PAYLOAD } from '#signatures/suricata/buffers.ts'
import type { BufferView } from '../evaluate.ts'
import { Subject } from '../match/subject.ts'
import { applyTransforms } from '../match/transforms.ts'
import type { Lacking } from '../lacking.ts'
import type { CompiledRule, Side, Slot } from '../program/compiled-rule.ts'
import type { HashAlgorithm } from '#signatures/suricata/checks.ts'
import { MessageFiles, fileName } from '../files/message-files.ts'
import type { StreamSide } from '../stream-side.ts'
import { BodyStream } from './body-stream.ts'
import { headBuffer, headInstances, joinedValue } from './buffers.ts'

/** A buffer of the head that was made, and what of: few, so that looking through them costs less than a table. */
interface MadeBuffer {
  readonly slot: Slot
  readonly subject: Subject | null
  readonly next: MadeBuffer | null
}

/** What one direction of an exchange has been seen to contain. */
interface SideState {
  /** The newest; null: none was made so far. */
  made: MadeBuffer | null
  body: BodyStream | null
  /** Null: it has none yet, or no rule asks for them. */
  files: MessageFiles | null
  /** The message has a body, or none, or it is not known yet. */
  hasBody: boolean | null
  /** Rules that wait for more of it; null: none does. */
  waiting: CompiledRule[] | null
  /** What some of these are known to wait for; null: nothing is known. */
  lacking: Map<CompiledRule, Lacking> | null
  /** All of the message was seen. */
  isOver: boolean
  /** Its bytes as they came, as far as they were read when a rule last asked. */
  raw: { readonly subject: Subject; readonly readTo: number; readonly isOver: boolean } | null
}

function newSide(): SideState {
  return {
    made: null,
    body: null,
    files: null,
    hasBody: null,
    waiting: null,
    lacking: null,
    isOver: false,
    raw: null,
  }
}

/** One HTTP exchange as the rules see it. Buffers are made when a rule first asks for them. */
export class HttpExchange implements BufferView {
  readonly transaction: HttpTransaction
  /** The next one that is open; null: this is the last. */
  next: HttpExchange | null = null
  /** Rules that have matched in this exchange: each does so once. */
  #fired: Set<number> | null = null
  /** Faults that were told of it, without `http.`. */
  #raised: Set<string> | null = null
  readonly request = newSide()
  #response: SideState | null = null
  /** The response is over and logged. */
  closed = false
  /** Side whose rules are being evaluated. */
  side: Side = 'request'
  /** The raw stream of that side, for payload matches among HTTP ones. */
  stream: StreamSide | null = null

  constructor(transaction: HttpTransaction) {
    this.transaction = transaction
  }

  get response(): SideState {
    return (this.#response ??= newSide())
  }

  hasFired({ index }: CompiledRule): boolean {
    return this.#fired !== null && this.#fired.has(index)
  }

  fire({ index }: CompiledRule): void {
    this.#fired ??= new Set()
    this.#fired.add(index)
  }

  hasRaised(name: string): boolean {
    return this.#raised !== null && this.#raised.has(name)
  }

  raise(name: string): void {
    this.#raised ??= new Set()
    this.#raised.add(name)
  }

  state(side: Side): SideState {
    return side === 'request' ? this.request : this.response
  }

  /** Body stream of a side, made at its first chunk. */
  body(side: Side, depth: number): BodyStream {
    const state = this.state(side)
    if (state.body === null) {
      const head = side === 'request' ? this.transaction.request : this.transaction.response
      const coding = head === null ? null : joinedValue(head.headers, 'content-encoding')
      state.body = new BodyStream(depth, coding)
      state.hasBody = true
    }
    return state.body
  }

  /** Files of a side, made at the first chunk of its body. */
  files(side: Side, sums: readonly HashAlgorithm[]): MessageFiles {
    const state = this.state(side)
    state.files ??= new MessageFiles(this.transaction, side, sums)
    return state.files
  }

  subject(slot: Slot): Subject | null | undefined {
    if (slot.buffer === PAYLOAD) return this.#raw(slot)
    const side = this.#sideOf(slot)
    const state = this.state(side)
    if (slot.streaming) {
      if (state.body !== null) return state.body.subject(slot)
      return state.hasBody === null ? undefined : null
    }
    for (let made = state.made; made !== null; made = made.next)
      if (made.slot === slot) return made.subject
    const text = this.text(slot)
    const subject = text === null ? null : new Subject(applyTransforms(text, slot.transforms))
    state.made = { slot, subject, next: state.made }
    return subject
  }

  /** What a buffer of the head holds before its transforms; null: there is none. */
  text(slot: Slot): string | null {
    const { request, response } = this.transaction
    const side = this.#sideOf(slot)
    if (slot.buffer === 'file.name') return fileName(this.transaction, side)
    return headBuffer(slot.buffer, side, request, response)
  }

  instances(slot: Slot): readonly Subject[] {
    const { request, response } = this.transaction
    return headInstances(slot.buffer, request, response).map(
      (text) => new Subject(applyTransforms(text, slot.transforms)),
    )
  }

  numbers(): null {
    return null
  }

  /**
   * Raw bytes among HTTP buffers are those of the message, from its first to the last one read. Suricata has looked at all
   * bytes before when a message begins, and goes on to those of the next one when it is over. It looks at them in pieces
   * of 2,560 bytes, we at all that the window holds.
   */
  #raw(slot: Slot): Subject | null {
    if (this.stream === null) return null
    const state = this.state(this.side)
    const { requestStart, requestReadTo, responseStart, responseReadTo } = this.transaction
    const isRequest = this.side === 'request'
    // What is asked later was read already: the stream is shown in step.
    const readTo = Math.min(isRequest ? requestReadTo : responseReadTo, this.stream.total)
    const { isOver } = state
    if (state.raw === null || state.raw.readTo !== readTo || state.raw.isOver !== isOver) {
      const start = isRequest ? requestStart : responseStart
      state.raw = { subject: this.stream.message(start, readTo, isOver), readTo, isOver }
    }
    const { subject } = state.raw
    if (slot.transforms.length === 0) return subject
    const { text, base, ended, final } = subject
    return new Subject(applyTransforms(text, slot.transforms), base, ended, final)
  }

  #sideOf(slot: Slot): Side {
    if (slot.side !== null) return slot.side
    const { sides } = slot
    return sides === 'both' ? this.side : sides
  }
}
