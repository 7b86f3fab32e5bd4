import { STREAM_HISTORY } from './limits.ts'
import type { BufferView } from './evaluate.ts'
import { Subject } from './match/subject.ts'
import { applyTransforms } from './match/transforms.ts'
import type { CandidateList } from './program/prefilter.ts'
import type { CompiledRule, Slot } from './program/compiled-rule.ts'
import type { RuleGroup } from './program/program.ts'

/** A rule whose fast pattern was seen, and the stream offset it ended at or before. */
export interface WaitingRule {
  readonly rule: CompiledRule
  readonly seenAt: number
}

/**
 * One direction of a raw stream: the newest chunk with STREAM_HISTORY bytes before it. The automata go on
 * from chunk to chunk, so a fast pattern that was cut is found; the window lets the rest of the rule be
 * matched across the cut.
 */
export class StreamSide implements BufferView {
  readonly #states: Uint32Array
  readonly window = new Subject('', 0, true, false)
  readonly chunk = new Subject('')
  waiting: WaitingRule[] = []
  /** Stream offset after the last byte of each rule's last match, by rule index. */
  readonly matchedTo = new Map<number, number>()
  total = 0
  /** What records quote of the stream before the window. */
  #before = ''
  /** Which of the two the payload sections are matched against now. */
  #current: Subject = this.window

  constructor(group: RuleGroup) {
    this.#states = new Uint32Array(group.prefilters.length)
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
    this.window.set('', this.total, true, false)
    this.waiting = []
    this.#states.fill(0)
  }

  /** Takes a chunk and adds the rules whose fast pattern it completes. */
  push(chunk: Buffer, group: RuleGroup, into: CandidateList): void {
    const text = chunk.toString('latin1')
    const { window } = this
    const kept =
      window.text.length > STREAM_HISTORY ? window.text.slice(-STREAM_HISTORY) : window.text
    window.set(kept + text, this.total - kept.length, true, false)
    this.chunk.set(text, 0, true, true)
    this.total += chunk.length
    const { prefilters } = group
    for (let index = 0; index < prefilters.length; index += 1)
      this.#states[index] = prefilters[index].scanChunk(this.#states[index], chunk, into)
  }

  /** Payload sections are matched against the window, from behind the rule's last match on. */
  useWindow(rule: CompiledRule): void {
    const from = this.matchedTo.get(rule.index) ?? 0
    const skip = from - this.window.base
    this.#current =
      skip <= 0 ? this.window : new Subject(this.window.text.slice(skip), from, true, false)
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
