import type { HttpTransaction } from '#inspectors/http/transaction.ts'
import { PAYLOAD } from '#signatures/suricata/buffers.ts'
import type { BufferView } from '../evaluate.ts'
import { Subject } from '../match/subject.ts'
import { applyTransforms } from '../match/transforms.ts'
import type { CompiledRule, Side, Slot } from '../program/compiled-rule.ts'
import type { HashAlgorithm } from '#signatures/suricata/checks.ts'
import { MessageFiles, fileName } from '../files/message-files.ts'
import { BodyStream } from './body-stream.ts'
import { headBuffer, headInstances, joinedValue } from './buffers.ts'

/** What one direction of an exchange has been seen to contain. */
interface SideState {
  readonly subjects: (Subject | null | undefined)[]
  body: BodyStream | null
  /** Null: it has none yet, or no rule asks for them. */
  files: MessageFiles | null
  /** The message has a body, or none, or it is not known yet. */
  hasBody: boolean | null
  waiting: CompiledRule[]
}

function newSide(): SideState {
  return { subjects: [], body: null, files: null, hasBody: null, waiting: [] }
}

/** One HTTP exchange as the rules see it. Buffers are made when a rule first asks for them. */
export class HttpExchange implements BufferView {
  readonly transaction: HttpTransaction
  /** Rules that have matched in this exchange: each does so once. */
  readonly fired = new Set<number>()
  /** Faults that were told of it, without `http.`. */
  readonly raised = new Set<string>()
  readonly request = newSide()
  readonly response = newSide()
  requestEnded = false
  /** The response is over and logged. */
  closed = false
  /** Side whose rules are being evaluated. */
  side: Side = 'request'
  /** The raw stream, for payload matches among HTTP ones. */
  payload: { readonly window: Subject } | null = null

  constructor(transaction: HttpTransaction) {
    this.transaction = transaction
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
    if (slot.buffer === PAYLOAD) return this.payload === null ? null : this.payload.window
    const side = this.#sideOf(slot)
    const state = this.state(side)
    if (slot.streaming) {
      if (state.body !== null) return state.body.subject(slot)
      return state.hasBody === null ? undefined : null
    }
    const known = state.subjects[slot.id]
    if (known !== undefined) return known
    const text = this.text(slot)
    const made = text === null ? null : new Subject(applyTransforms(text, slot.transforms))
    state.subjects[slot.id] = made
    return made
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

  #sideOf(slot: Slot): Side {
    if (slot.side !== null) return slot.side
    const { sides } = slot
    return sides === 'both' ? this.side : sides
  }
}
