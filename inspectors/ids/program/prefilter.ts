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
import type { CompiledRule, Slot } from './program.ts'

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

export class Prefilter {
  readonly slot: Slot
  readonly #automaton: Automaton
  readonly #rules: readonly (readonly CompiledRule[])[]
  readonly #found: Uint32Array

  /** @param patterns fast pattern (ASCII lower case, latin1) -> rules that chose it */
  constructor(slot: Slot, patterns: ReadonlyMap<string, readonly CompiledRule[]>) {
    this.slot = slot
    this.#automaton = buildAutomaton([...patterns.keys()], { ignoreCase: true })
    this.#rules = [...patterns.values()]
    this.#found = new Uint32Array((this.#rules.length + 31) >> 5)
  }

  get patternCount(): number {
    return this.#rules.length
  }

  /** Adds the candidates of a whole buffer (latin1). */
  scan(text: string, into: CandidateList): void {
    if (this.#automaton.markString(text, this.#found) > 0) this.#collect(into)
  }

  /**
   * Adds the candidates whose fast pattern ends in this chunk of a longer buffer.
   *
   * @param state what the call for the chunk before returned; 0 at the beginning
   */
  scanChunk(state: number, chunk: Uint8Array, into: CandidateList): number {
    const next = this.#automaton.markChunk(state, chunk, this.#found)
    this.#collect(into)
    return next
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
