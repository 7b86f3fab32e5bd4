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
  readonly window = new Subject('', 0, true, false)
  /** Rules of another protocol's events whose fast pattern was seen, and the offset it ended at or before. */
  readonly noted = new Map<CompiledRule, number>()
  readonly chunk = new Subject('')
  waiting: WaitingRule[] = []
  /** Stream offset after the last byte of each rule's last match, by rule index. */
  readonly matchedTo = new Map<number, number>()
  total = 0
  /** What records quote of the stream before the window. */
  #before = ''
  /** Which of the two the payload sections are matched against now. */
  #current: Subject = this.window

  /** What was seen last, with a note where bytes are missing. */
  get quoted(): string {
    return this.#before + this.window.text
  }

  /** Bytes are missing: what follows is matched as if the stream began there. */
  gap(bytes: number): void {
    const note = `[${bytes} bytes missing]`
    this.#before = (this.#before + this.window.text).slice(-STREAM_HISTORY) + note
    this.total += bytes
    this.window.set('', this.total, true, false)
    this.waiting = []
    this.#tail.length = 0
    this.noted.clear()
  }

  /** Takes a chunk and adds the rules whose fast pattern it completes. */
  push(chunk: Buffer, group: RuleGroup, into: CandidateList): void {
    const text = chunk.toString('latin1')
    const { window } = this
    // Cut now and then only: pieces are joined when a rule looks at them.
    const kept = window.text.length > MAX_WINDOW ? window.text.slice(-STREAM_HISTORY) : window.text
    window.set(kept + text, this.total - kept.length, true, false)
    this.chunk.set(text, 0, true, true)
    this.total += chunk.length
    group.chunked?.scanChunk(this.#tail, chunk, true, into)
  }

  /** Adds the noted rules whose fast pattern the window may still hold. */
  addNoted(into: CandidateList): void {
    if (this.noted.size === 0) return
    for (const [rule, seenAt] of this.noted)
      if (seenAt > this.window.base) into.add(rule)
      else this.noted.delete(rule)
  }

  /** Payload sections are matched against the window, from behind the rule's last match on. */
  useWindow(rule: CompiledRule): void {
    const from = this.matchedTo.get(rule.index) ?? 0
    const skip = from - this.window.base
    this.#current =
      skip <= 0 ? this.window : new Subject(this.window.text.slice(skip), from, true, false)
  }

  /** Payload sections are matched against the newest chunk and what is in reach of it. */
  useRecent(): void {
    const { text, base } = this.window
    const bytes = Math.max(REACH, this.chunk.text.length)
    const skip = text.length - bytes
    this.#current =
      skip <= 0 ? this.window : new Subject(text.slice(skip), base + skip, true, false)
  }

  useChunk(): void {
    this.#current = this.chunk
  }

  subject(slot: Slot): Subject {
    if (slot.transforms.length === 0) return this.#current
    const { text, base, ended, final } = this.#current
    return new Subject(applyTransforms(text, slot.transforms), base, ended, final)
  }

  instances(slot: Slot): readonly Subject[] {
    return [this.subject(slot)]
  }

  numbers(): null {
    return null
  }
}
