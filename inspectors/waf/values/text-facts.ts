import { type ByteSet, collectBytes } from '#signatures/pcre/gate.ts'
import type { Transformation } from '../transformations/transformation.ts'
import type { GateIndex } from './gate-index.ts'
import type { Pipeline } from './pipeline.ts'
import type { Predicate } from './predicate.ts'
import { triggersIn } from './trigger-masks.ts'

/**
 * Everything that is known of one byte string, whatever variable it came from: what it becomes under
 * each pipeline, and which predicates it satisfies, could satisfy, or does not.
 *
 * `bits` holds two words for each 32 predicates. The first half (live) has a bit for each predicate that
 * the text may satisfy: at first all candidates of the gate, then fewer, as answers come in. The second
 * half (known) has a bit for each predicate that was tried. `liveGroups` has a bit for each group of
 * rules of which the text, as a raw value, may satisfy one. So a value seen again (a User-Agent, a cookie)
 * costs one look-up. All of it follows from the text alone, so it is kept across transactions.
 */
export class TextFacts {
  readonly text: string
  /** Results by `Pipeline.index`; filled as they are asked for. */
  byPipeline: (TextFacts | undefined)[] | null = null
  /** Null: not gated yet. An array: a typed one of this size costs ten times as much to make. */
  bits: number[] | null = null
  liveGroups: Int32Array | null = null
  /** Groups of which `liveGroups` tells. */
  decidedGroups: Int32Array | null = null
  /** Bits of `trigger-masks.ts`; 0: not looked at. */
  triggers = 0

  constructor(text: string) {
    this.text = text
  }
}

/** Longest text, number of texts and bytes of them that are kept across transactions. */
export const MAX_KEPT_TEXT_BYTES = 4096
export const MAX_KEPT_TEXTS = 8192
export const MAX_KEPT_BYTES = 4_194_304

/**
 * What the text stores of all programs of one rule set keep together. They have one bound, however many
 * chains share the rules; when it is reached all of them drop what they have.
 */
export class KeptTexts {
  readonly #stores: TextStore[] = []
  #texts = 0
  #bytes = 0

  register(store: TextStore): void {
    this.#stores.push(store)
  }

  /** To be called before a text is kept. */
  take(bytes: number): void {
    if (this.#texts >= MAX_KEPT_TEXTS || this.#bytes > MAX_KEPT_BYTES) {
      for (const store of this.#stores) store.forget()
      this.#texts = 0
      this.#bytes = 0
    }
    this.#texts += 1
    this.#bytes += bytes
  }
}

/** Facts about texts, shared by all transactions of a program. Old ones are dropped all at once. */
export class TextStore {
  readonly #gates: GateIndex
  readonly #predicates: readonly Predicate[]
  readonly #isGated: boolean
  readonly #bound: KeptTexts
  #kept = new Map<string, TextFacts>()
  readonly #bytes: ByteSet = new Uint32Array(8)
  readonly #scratch: number[]
  readonly #nothing: number[]

  constructor(
    gates: GateIndex,
    predicates: readonly Predicate[],
    isGated: boolean,
    bound: KeptTexts,
  ) {
    this.#gates = gates
    this.#predicates = predicates
    this.#isGated = isGated
    this.#bound = bound
    this.#scratch = [...gates.initialBits]
    this.#nothing = [...gates.initialBits]
    bound.register(this)
  }

  /** Facts of a text: the kept ones, or new. */
  of(textLatin1: string): TextFacts {
    if (textLatin1.length > MAX_KEPT_TEXT_BYTES) return new TextFacts(textLatin1)
    const kept = this.#kept.get(textLatin1)
    if (kept !== undefined) return kept
    const facts = new TextFacts(textLatin1)
    this.#bound.take(textLatin1.length)
    this.#kept.set(textLatin1, facts)
    return facts
  }

  forget(): void {
    this.#kept = new Map()
  }

  /** Facts of the text that a pipeline makes of this one. */
  through(facts: TextFacts, pipeline: Pipeline): TextFacts {
    const { parent, transformation, triggerMask } = pipeline
    if (parent === null || transformation === null) return facts
    const known = facts.byPipeline?.[pipeline.index]
    if (known !== undefined) return known
    const before = this.through(facts, parent)
    const isSame = (this.triggersOf(before) & triggerMask) === 0
    const result = isSame ? before : this.#apply(before, transformation)
    facts.byPipeline ??= []
    facts.byPipeline[pipeline.index] = result
    return result
  }

  /** Which transformations could change the text. */
  triggersOf(facts: TextFacts): number {
    if (facts.triggers === 0) facts.triggers = triggersIn(facts.text)
    return facts.triggers
  }

  #apply(facts: TextFacts, transformation: Transformation): TextFacts {
    const text = transformation.apply(facts.text)
    return text === facts.text ? facts : this.of(text)
  }

  /** Live bits of a text, which is gated first where that has not been done. */
  bitsOf(facts: TextFacts): number[] {
    if (facts.bits !== null) return facts.bits
    facts.bits = this.#isGated ? this.#gated(facts.text) : this.#everything()
    return facts.bits
  }

  /** What satisfies nothing shares one array: it is never written to. */
  #gated(textLatin1: string): number[] {
    const bytes = this.#bytes
    bytes.fill(0)
    collectBytes(textLatin1, bytes)
    const scratch = this.#scratch
    const { words } = this.#gates
    for (let word = 0; word < words; word += 1) scratch[word] = 0
    this.#gates.mark(textLatin1, bytes, scratch)
    for (let word = 0; word < words; word += 1) if (scratch[word] !== 0) return scratch.slice()
    return this.#nothing
  }

  #everything(): number[] {
    const { words } = this.#gates
    return Array.from({ length: 2 * words }, (_, word) => (word < words ? -1 : 0))
  }

  /** True when the text satisfies the predicate. */
  satisfies(facts: TextFacts, predicate: Predicate): boolean {
    const bits = this.bitsOf(facts)
    const word = predicate.index >> 5
    const known = this.#gates.words + word
    const bit = 1 << (predicate.index & 31)
    if ((bits[word] & bit) === 0) return false
    if ((bits[known] & bit) !== 0) return true
    bits[known] |= bit
    if (predicate.operator.match(facts.text, null) !== predicate.negated) return true
    bits[word] &= ~bit
    return false
  }

  predicate(index: number): Predicate {
    return this.#predicates[index]
  }
}
