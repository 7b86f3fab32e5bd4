import type { Transformation } from '../transformations/transformation.ts'
import type { GateIndex, GateView } from './gate-index.ts'
import type { GateTable } from './gate-table.ts'
import { type KeptBound, KeptTexts } from './kept-texts.ts'
import type { Pipeline, PipelineStep } from './pipeline.ts'
import type { Predicate } from './predicate.ts'
import { TextFacts } from './text-facts.ts'

/** Facts about texts, shared by all transactions of a program. */
export class TextStore {
  readonly #gates: GateIndex
  readonly #predicates: readonly Predicate[]
  readonly #isGated: boolean
  readonly #kept: KeptTexts
  readonly #scratch: Int32Array
  readonly #nothing: number[]

  constructor(
    gates: GateIndex,
    predicates: readonly Predicate[],
    isGated: boolean,
    bound: KeptBound,
  ) {
    this.#gates = gates
    this.#predicates = predicates
    this.#isGated = isGated
    this.#kept = new KeptTexts(bound)
    this.#scratch = new Int32Array(gates.words)
    this.#nothing = Array.from({ length: 2 * gates.words }, () => 0)
  }

  /** Facts of a raw value: the kept ones, or new. */
  of(textLatin1: string): TextFacts {
    return this.#kept.of(textLatin1)
  }

  /** Facts of the text that a pipeline makes of this one. */
  through(facts: TextFacts, { steps }: Pipeline): TextFacts {
    let at = facts
    for (let index = 0; index < steps.length; index += 1) at = this.step(at, steps[index])
    return at
  }

  /** Facts of the text that one transformation makes of this one. */
  step(facts: TextFacts, { transformation, triggerMask }: PipelineStep): TextFacts {
    if ((this.triggersOf(facts) & triggerMask) === 0) return facts
    return this.#transformed(facts, transformation)
  }

  /** Which transformations could change the text. */
  triggersOf(facts: TextFacts): number {
    if (facts.triggers === 0) facts.triggers = this.#gates.scan(facts.text)
    return facts.triggers
  }

  /** Reads a text of which nothing is to be kept. @returns its triggers */
  scan(textLatin1: string): number {
    return this.#gates.scan(textLatin1)
  }

  /** Predicates of a view that the text that was scanned last could satisfy. */
  candidates(view: GateView): GateTable {
    return this.#gates.candidates(view)
  }

  #transformed(facts: TextFacts, transformation: Transformation): TextFacts {
    const { tried, results } = facts
    if (tried === null || results === null) {
      const result = this.#apply(facts, transformation)
      facts.tried = [transformation]
      facts.results = [result]
      return result
    }
    const known = tried.indexOf(transformation)
    if (known >= 0) return results[known]
    const result = this.#apply(facts, transformation)
    tried.push(transformation)
    results.push(result)
    return result
  }

  /** What is made of a value on several ways is the same text more often than not. */
  #apply(facts: TextFacts, transformation: Transformation): TextFacts {
    const text = transformation.apply(facts.text)
    if (text === facts.text) return facts
    const origin = facts.origin ?? facts
    if (text === origin.text) return origin
    const { derived } = origin
    const made = new TextFacts(text, origin)
    if (derived === null) {
      origin.derived = [made]
      return made
    }
    for (let index = 0; index < derived.length; index += 1) {
      if (derived[index].text === text) return derived[index]
    }
    derived.push(made)
    return made
  }

  /** Live bits of a text: those of the view's predicates, and of views that asked before. */
  bitsOf(facts: TextFacts, view: GateView): number[] {
    const { bits } = facts
    if (bits !== null && (facts.gatedBy === view || !this.#isGated)) return bits
    facts.gatedBy = view
    facts.bits = this.#isGated ? this.#gated(facts, view) : this.#everything()
    return facts.bits
  }

  /** Live bits of a text that was gated. */
  liveBits(facts: TextFacts): number[] {
    return facts.bits ?? this.#nothing
  }

  /** The gates of some predicates; equal sets share theirs. */
  view(wanted: Int32Array): GateView {
    return this.#gates.view(wanted)
  }

  /** What satisfies nothing shares one array. */
  #gated(facts: TextFacts, view: GateView): number[] {
    const scratch = this.#scratch
    // Mostly its triggers were asked for a moment ago.
    if (facts.triggers === 0 || this.#gates.scanned !== facts.text) {
      facts.triggers = this.#gates.scan(facts.text)
    }
    const { words } = this.#gates
    const before = facts.bits ?? this.#nothing
    const candidates = this.#gates.candidates(view)
    if (candidates.count === 0) return before
    scratch.fill(0)
    for (let at = 0; at < candidates.count; at += 1) {
      const predicate = candidates.found[at]
      scratch[predicate >> 5] |= 1 << (predicate & 31)
    }
    let added = 0
    for (let word = 0; word < words; word += 1) {
      // What was tried for another view stays as it was found.
      scratch[word] &= ~(before[word] | before[words + word])
      added |= scratch[word]
    }
    if (added === 0) return before
    const bits = before.slice()
    for (let word = 0; word < words; word += 1) bits[word] |= scratch[word]
    return bits
  }

  #everything(): number[] {
    const { words } = this.#gates
    return Array.from({ length: 2 * words }, (_, word) => (word < words ? -1 : 0))
  }

  /** True when the text satisfies the predicate. */
  satisfies(facts: TextFacts, predicate: Predicate): boolean {
    const { words } = this.#gates
    const word = predicate.index >> 5
    const bit = 1 << (predicate.index & 31)
    let bits = facts.bits ?? this.#nothing
    if ((bits[words + word] & bit) !== 0) return (bits[word] & bit) !== 0
    const isGated = facts.gatedBy !== null && (facts.gatedBy.wanted[word] & bit) !== 0
    if (isGated && (bits[word] & bit) === 0) return false
    const isMatch = predicate.operator.match(facts.text, null) !== predicate.negated
    if (bits === this.#nothing) bits = facts.bits = bits.slice()
    bits[words + word] |= bit
    if (isMatch) bits[word] |= bit
    else bits[word] &= ~bit
    return isMatch
  }

  predicate(index: number): Predicate {
    return this.#predicates[index]
  }
}
