import { STREAM_HISTORY } from './limits.ts'
import type { BufferView } from './evaluate.ts'
import { Subject } from './match/subject.ts'
import { applyTransforms } from './match/transforms.ts'
import type { CandidateList } from './program/candidate-list.ts'
import { ScanTail } from './program/prefilter.ts'
import type { CompiledRule, Slot } from './program/compiled-rule.ts'
import type { RuleGroup } from './program/rule-group.ts'

/** Bytes that the window may grow to before it is cut. */
const MAX_WINDOW = STREAM_HISTORY + 8192

/** Chunks that may wait to be joined to the window: nearly all are never looked at. */
const MAX_FRESH_CHUNKS = 128

/** Bytes that a packet is matched with, its own among them (`toserver-chunk-size`). */
const REACH = 2560

/** A rule whose fast pattern was seen, and the stream offset it ended at or before. */
export interface WaitingRule {
  readonly rule: CompiledRule
  readonly seenAt: number
}

/**
 * One direction of a raw stream: the newest chunk with STREAM_HISTORY bytes before it. The prefilter goes on
 * from chunk to chunk, so a fast pattern that was cut is found; the window lets the rest of the rule be
 * matched across the cut.
 */
export class StreamSide implements BufferView {
  readonly #tail = new ScanTail()
  readonly #window = new Subject('', 0, true, false, true)
  readonly #chunk = new Subject('')
  /** Chunks that are not part of the window's text yet. */
  readonly #fresh: Buffer[] = []
  #freshBytes = 0
  /** Bytes that the window has with these. */
  #windowBytes = 0
  #newest: Buffer | null = null
  /** Rules of another protocol's events whose fast pattern was seen, and the offset it ended at or before. */
  #noted: Map<CompiledRule, number> | null = null
  waiting: WaitingRule[] = []
  /** Stream offset after the last byte of each rule's last match, by rule index. */
  #matchedTo: Map<number, number> | null = null
  total = 0
  /** What records quote of the stream before the window. */
  #before = ''
  /** Which of the two the payload sections are matched against now. */
  #current: Subject = this.#window

  /** The newest bytes; joined when it is asked for. */
  get window(): Subject {
    if (this.#fresh.length > 0) this.#join('')
    return this.#window
  }

  /** Stream offset at which the window begins. */
  get windowBase(): number {
    return this.total - this.#windowBytes
  }

  /**
   * A message in the stream as far as it was read and the window still holds it; its first byte is number 0.
   *
   * @param from, to stream offsets of its beginning, and of the end of what was read of it
   * @param isOver there is no more of it
   */
  message(from: number, to: number, isOver: boolean): Subject {
    const { text, base } = this.window
    const begin = Math.max(from - base, 0)
    const held = text.slice(begin, Math.max(to - base, begin))
    return new Subject(held, Math.max(base - from, 0), isOver, isOver)
  }

  /** The newest chunk; of `push` until the next one. */
  get chunk(): Subject {
    if (this.#newest !== null) {
      this.#chunk.set(this.#newest.toString('latin1'), 0, true, true)
      this.#newest = null
    }
    return this.#chunk
  }

  /** What was seen last, with a note where bytes are missing. */
  get quoted(): string {
    return this.#before + this.window.text
  }

  /** Bytes are missing: what follows is matched as if the stream began there. */
  gap(bytes: number): void {
    const note = `[${bytes} bytes missing]`
    this.#before = (this.#before + this.window.text).slice(-STREAM_HISTORY) + note
    this.total += bytes
    this.#window.set('', this.total, true, false)
    this.#windowBytes = 0
    this.waiting = []
    this.#tail.clear()
    this.#noted = null
  }

  /** No byte will come any more: only how many there were is kept. */
  rest(): void {
    this.#window.set('', this.total, true, false)
    this.#chunk.set('', 0, true, true)
    this.#windowBytes = 0
    this.#freshBytes = 0
    this.#fresh.length = 0
    this.#newest = null
    this.#noted = null
    this.#matchedTo = null
    this.#current = this.#window
    this.#before = ''
    this.#tail.clear()
    this.waiting = []
  }

  /**
   * Takes a chunk and adds the rules whose fast pattern it completes.
   *
   * @param isHeld the chunk stays as it is, so it may wait to be joined to the window
   */
  push(chunk: Buffer, group: RuleGroup, into: CandidateList, isHeld = false): void {
    // Cut now and then only: pieces are joined when a rule looks at them.
    const isCut = this.#windowBytes > MAX_WINDOW
    this.#windowBytes = (isCut ? STREAM_HISTORY : this.#windowBytes) + chunk.length
    this.total += chunk.length
    if (isHeld) {
      this.#newest = chunk
      this.#fresh.push(chunk)
      this.#freshBytes += chunk.length
      if (isCut) this.#forget()
      if (this.#fresh.length > MAX_FRESH_CHUNKS) this.#join('')
    } else {
      const text = chunk.toString('latin1')
      this.#newest = null
      this.#chunk.set(text, 0, true, true)
      this.#join(text)
    }
    group.chunked?.scanChunk(this.#tail, chunk, true, into)
  }

  /** What the window has left behind is not joined to it any more. */
  #forget(): void {
    const fresh = this.#fresh
    while (this.#freshBytes - fresh[0].length >= this.#windowBytes)
      this.#freshBytes -= fresh.shift()!.length
    if (this.#freshBytes >= this.#windowBytes) this.#window.set('', this.total, true, false)
  }

  /** @param newest what follows the chunks that wait */
  #join(newest: string): void {
    let { text } = this.#window
    for (const chunk of this.#fresh) text += chunk.toString('latin1')
    this.#fresh.length = 0
    this.#freshBytes = 0
    text += newest
    if (text.length > this.#windowBytes) text = text.slice(-this.#windowBytes)
    this.#window.set(text, this.windowBase, true, false)
  }

  /** The fast pattern of a rule of another protocol's events was seen. */
  note(rule: CompiledRule): void {
    this.#noted ??= new Map()
    this.#noted.set(rule, this.total)
  }

  /** Adds the noted rules whose fast pattern the window may still hold. */
  addNoted(into: CandidateList): void {
    if (this.#noted === null || this.#noted.size === 0) return
    for (const [rule, seenAt] of this.#noted)
      if (seenAt > this.windowBase) into.add(rule)
      else this.#noted.delete(rule)
  }

  /** A rule's last match ended before this stream offset. */
  matchedUpTo(rule: CompiledRule, offset: number): void {
    this.#matchedTo ??= new Map()
    this.#matchedTo.set(rule.index, offset)
  }

  /** Payload sections are matched against the window, from behind the rule's last match on. */
  useWindow(rule: CompiledRule): void {
    const from = this.#matchedTo?.get(rule.index) ?? 0
    const { window } = this
    const skip = from - window.base
    this.#current =
      skip <= 0 ? window : new Subject(window.text.slice(skip), from, true, false, true)
  }

  /** Payload sections are matched against the newest chunk and what is in reach of it. */
  useRecent(): void {
    const { window } = this
    const { text, base } = window
    const bytes = Math.max(REACH, this.chunk.text.length)
    const skip = text.length - bytes
    this.#current =
      skip <= 0 ? window : new Subject(text.slice(skip), base + skip, true, false, true)
  }

  useChunk(): void {
    this.#current = this.chunk
  }

  subject(slot: Slot): Subject {
    if (slot.transforms.length === 0) return this.#current
    const { text, base, ended, final, endless } = this.#current
    return new Subject(applyTransforms(text, slot.transforms), base, ended, final, endless)
  }

  instances(slot: Slot): readonly Subject[] {
    return [this.subject(slot)]
  }

  numbers(): null {
    return null
  }
}
