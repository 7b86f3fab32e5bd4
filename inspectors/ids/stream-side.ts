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
  /** Bytes so far, with those that were not seen. */
  total: number
  /** Bytes that the window has with the chunks that wait. */
  #windowBytes = 0
  /** The newest chunk, where it stays as it is; null: there is none, or `#chunk` has it. */
  #newest: Buffer | null = null
  /** It is part of the window's text. */
  #isJoined = false
  /** Chunks before it that are not, and their bytes; null: there is none. */
  #older: Buffer[] | null = null
  #olderBytes = 0
  readonly #tail: ScanTail
  /** Rules that wait for more, if any do. */
  waiting: WaitingRule[] | null = null
  /** Rules of another protocol's events whose fast pattern was seen, and the offset it ended at or before. */
  #noted: Map<CompiledRule, number> | null = null
  /** Stream offset after the last byte of each rule's last match, by rule index. */
  #matchedTo: Map<number, number> | null = null
  /** Both are made when a rule first asks. */
  #window: Subject | null = null
  #chunk: Subject | null = null
  /** Which of the two the payload sections are matched against now. */
  #current: Subject | null = null
  /** What records quote of the stream before the window. */
  #before = ''

  /** @param total bytes that came before */
  constructor(total = 0) {
    this.total = total
    this.#tail = new ScanTail(total)
  }

  /** The newest bytes; joined when it is asked for. */
  get window(): Subject {
    if (this.#newest !== null && !this.#isJoined) this.#join('')
    return (this.#window ??= new Subject('', this.windowBase, true, false, true))
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
    return (this.#chunk ??= new Subject(this.#newest?.toString('latin1') ?? ''))
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
    this.#window = null
    this.#windowBytes = 0
    this.waiting = null
    this.#tail.clear()
    this.#noted = null
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
      if (this.#newest !== null && !this.#isJoined) {
        this.#older ??= []
        this.#older.push(this.#newest)
        this.#olderBytes += this.#newest.length
      }
      this.#newest = chunk
      this.#isJoined = false
      this.#chunk = null
      if (isCut) this.#forget()
      if (this.#older !== null && this.#older.length >= MAX_FRESH_CHUNKS) this.#join('')
    } else {
      const text = chunk.toString('latin1')
      this.#join(text)
      this.#newest = null
      if (this.#chunk === null) this.#chunk = new Subject(text)
      else this.#chunk.set(text, 0, true, true)
    }
    group.chunked?.scanChunk(this.#tail, chunk, true, into, isHeld)
  }

  /** What the window has left behind is not joined to it any more. */
  #forget(): void {
    const older = this.#older ?? []
    const needed = this.#windowBytes - this.#newest!.length
    let count = 0
    for (; count < older.length && this.#olderBytes - older[count].length >= needed; count += 1)
      this.#olderBytes -= older[count].length
    // All at once: one by one would move the rest as often.
    if (count > 0) older.splice(0, count)
    if (this.#olderBytes >= needed) this.#window = null
  }

  /** @param newest what follows the chunks that wait */
  #join(newest: string): void {
    let text = this.#window === null ? '' : this.#window.text
    if (this.#older !== null) for (const chunk of this.#older) text += chunk.toString('latin1')
    if (this.#newest !== null && !this.#isJoined) text += this.#newest.toString('latin1')
    this.#older = null
    this.#olderBytes = 0
    this.#isJoined = true
    text += newest
    if (text.length > this.#windowBytes) text = text.slice(-this.#windowBytes)
    this.#window ??= new Subject('', 0, true, false, true)
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
    const current = this.#current ?? this.window
    if (slot.transforms.length === 0) return current
    const { text, base, ended, final, endless } = current
    return new Subject(applyTransforms(text, slot.transforms), base, ended, final, endless)
  }

  instances(slot: Slot): readonly Subject[] {
    return [this.subject(slot)]
  }

  numbers(): null {
    return null
  }
}
