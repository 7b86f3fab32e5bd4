/**
 * Finds the rules that have a chance with a buffer: one Aho-Corasick pass over the buffer marks the fast
 * patterns that occur; each stands for the rules that chose it. What is marked is evaluated in full,
 * so the automaton may ignore case for all.
 *
 * Cost per byte: one transition, whatever the number of rules. Per buffer: one pass over a bitset of the
 * patterns, 32 at a time.
 */
import { buildAutomaton } from '#inspectors/matching/aho-corasick.ts'
import type { Automaton } from '#inspectors/matching/automaton.ts'
import type { Subject } from '../match/subject.ts'
import type { CompiledRule, Slot } from './compiled-rule.ts'

/** Collects candidates of one evaluation, each once, without allocating per event. */
export class CandidateList {
  readonly rules: CompiledRule[] = []
  readonly #stamps: Uint32Array
  #stamp = 0

  constructor(ruleCount: number) {
    this.#stamps = new Uint32Array(ruleCount)
  }

  clear(): void {
    this.rules.length = 0
    this.#stamp += 1
    if (this.#stamp === 0xffff_ffff) {
      this.#stamps.fill(0)
      this.#stamp = 1
    }
  }

  add(rule: CompiledRule): void {
    if (this.#stamps[rule.index] === this.#stamp) return
    this.#stamps[rule.index] = this.#stamp
    this.rules.push(rule)
  }

  /** Evaluation order. */
  sort(): void {
    if (this.rules.length > 1) this.rules.sort(byIndex)
  }
}

function byIndex(left: CompiledRule, right: CompiledRule): number {
  return left.index - right.index
}

/** Up to this many patterns are looked for one by one: `indexOf` runs at the speed of memory. */
const FEW_PATTERNS = 8

export class Prefilter {
  readonly slot: Slot
  /** In lower case, letters above 0x7f too; null: too many to be looked for one by one. */
  readonly #few: readonly string[] | null
  readonly #rules: readonly (readonly CompiledRule[])[]
  /** Null: the patterns are few and the buffer is seen whole. */
  readonly #automaton: Automaton | null
  readonly #found: Uint32Array

  /** @param patterns fast pattern (ASCII lower case, latin1) -> rules that chose it */
  constructor(slot: Slot, patterns: ReadonlyMap<string, readonly CompiledRule[]>) {
    this.slot = slot
    const all = [...patterns.keys()]
    this.#few = all.length > FEW_PATTERNS ? null : all.map((pattern) => pattern.toLowerCase())
    this.#rules = [...patterns.values()]
    this.#found = new Uint32Array((this.#rules.length + 31) >> 5)
    const isNeeded = this.#few === null || slot.streaming
    this.#automaton = isNeeded ? buildAutomaton(all, { ignoreCase: true }) : null
  }

  get patternCount(): number {
    return this.#rules.length
  }

  /** Adds the candidates of a whole buffer. */
  scan(subject: Subject, into: CandidateList): void {
    if (this.#few !== null) this.#scanFew(this.#few, subject.folded, into)
    else if (this.#automaton !== null && this.#automaton.markString(subject.text, this.#found) > 0)
      this.#collect(into)
  }

  /**
   * Adds the candidates whose fast pattern ends in this chunk of a longer buffer.
   *
   * @param state what the call for the chunk before returned; 0 at the beginning
   */
  scanChunk(state: number, chunk: Uint8Array, into: CandidateList): number {
    if (this.#automaton === null) return 0
    const next = this.#automaton.markChunk(state, chunk, this.#found)
    this.#collect(into)
    return next
  }

  /** Folding maps high letters too; it finds more than the automaton does, never less. */
  #scanFew(few: readonly string[], folded: string, into: CandidateList): void {
    for (let index = 0; index < few.length; index += 1) {
      if (!folded.includes(few[index])) continue
      for (const rule of this.#rules[index]) into.add(rule)
    }
  }

  #collect(into: CandidateList): void {
    const found = this.#found
    for (let word = 0; word < found.length; word += 1) {
      let bits = found[word]
      if (bits === 0) continue
      found[word] = 0
      while (bits !== 0) {
        const bit = 31 - Math.clz32(bits & -bits)
        bits &= bits - 1
        for (const rule of this.#rules[(word << 5) | bit]) into.add(rule)
      }
    }
  }
}
