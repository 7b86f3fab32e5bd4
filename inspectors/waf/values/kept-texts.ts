import { sampleHash } from './sample-hash.ts'
import { TextFacts } from './text-facts.ts'

/** Longest text that is kept across transactions. */
export const MAX_KEPT_TEXT_BYTES = 2048
/** What all texts that are kept may take, by the estimate below. */
export const MAX_KEPT_BYTES = 16_777_216

const SETS = 1024
const SEEN_ONCE = 8192
/** Facts of a text and of those made of it, in addition to their bytes. */
const FACTS_BYTES = 2048
/** Texts that are made of one, as many times as long as it. */
const DERIVED_SHARE = 8

/**
 * Bound of what the text stores of all programs of one rule set keep together, however many chains share
 * the rules; when it is reached all of them drop what they have.
 */
export class KeptBound {
  readonly #kept: KeptTexts[] = []
  #bytes = 0

  register(kept: KeptTexts): void {
    this.#kept.push(kept)
  }

  /** To be called before a text is kept; takes the place of one of `freed` bytes. */
  take(bytes: number, freed: number): void {
    this.#bytes += bytes - freed
    if (this.#bytes <= MAX_KEPT_BYTES) return
    for (const kept of this.#kept) kept.forget()
    this.#bytes = bytes
  }
}

/**
 * Facts of texts that are seen again and again.
 *
 * Most values are seen once: an identifier, a token, a search. To keep them would cost more than it brings,
 * above all in garbage that has grown old. So a text is kept when its hash comes the second time. It goes to
 * the second place of its set, from where the next newcomer drives it out, and with the next hit to the first.
 */
export class KeptTexts {
  readonly #bound: KeptBound
  readonly #seenOnce = new Int32Array(SEEN_ONCE)
  readonly #first: (TextFacts | null)[] = Array.from({ length: SETS }, () => null)
  readonly #second: (TextFacts | null)[] = Array.from({ length: SETS }, () => null)

  constructor(bound: KeptBound) {
    this.#bound = bound
    bound.register(this)
  }

  /** Facts of a text: the kept ones, or new. */
  of(textLatin1: string): TextFacts {
    if (textLatin1.length > MAX_KEPT_TEXT_BYTES) return new TextFacts(textLatin1, null)
    const hash = sampleHash(textLatin1)
    const set = hash & (SETS - 1)
    const first = this.#first[set]
    if (first !== null && first.text === textLatin1) return first
    const second = this.#second[set]
    if (second !== null && second.text === textLatin1) {
      this.#first[set] = second
      this.#second[set] = first
      return second
    }
    const facts = new TextFacts(textLatin1, null)
    const seen = hash & (SEEN_ONCE - 1)
    if (this.#seenOnce[seen] !== hash) {
      this.#seenOnce[seen] = hash
      return facts
    }
    this.#bound.take(weightOf(facts), second === null ? 0 : weightOf(second))
    this.#second[set] = facts
    return facts
  }

  forget(): void {
    this.#seenOnce.fill(0)
    this.#first.fill(null)
    this.#second.fill(null)
  }
}

function weightOf({ text }: TextFacts): number {
  return FACTS_BYTES + text.length * DERIVED_SHARE
}
