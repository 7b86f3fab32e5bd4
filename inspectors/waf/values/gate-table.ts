import type { Gate } from '#signatures/pcre/gate.ts'
import type { ScanText } from '#inspectors/matching/gram-filter.ts'
import type { ByteKinds } from './byte-kinds.ts'
import { ByteMasks, MaskNumbers } from './byte-masks.ts'
import type { LiteralClauses, PredicateRequirement } from './literal-clauses.ts'
import type { Predicate } from './predicate.ts'

const ANY_LENGTH = 0x7fff_ffff

/**
 * Which of some predicates a text could satisfy, decided for all of them in one pass.
 *
 * A gate is an AND of clauses (each an OR of literals), byte masks, a least and a greatest length. The literals of
 * all these predicates are looked for at once (`literal-clauses.ts`), and each knows the clauses it meets; a
 * predicate whose clauses are all met, whose masks share a byte with the text and whose lengths allow it is a
 * candidate. A predicate without literals is looked at when its first mask is hit. Predicates without any gate,
 * and negated ones, are candidates always.
 *
 * Cost: one scan for literals, one OR of words per kind of byte, plus work per literal that occurs and
 * per predicate whose first mask is hit. The naive twin is to make everything a candidate (`gate: 'off'`).
 */
export class GateTable {
  readonly #wanted: Int32Array
  /** What is a candidate whatever the text. */
  readonly #always: Int32Array
  readonly #minLength: Int32Array
  readonly #maxLength: Int32Array
  /** Predicates of which a length is known and nothing else. */
  readonly #lengthOnly: Int32Array
  readonly #masks: ByteMasks
  /** Numbers of the masks of predicate `p` are at `[maskStarts[p], maskStarts[p + 1])`. */
  readonly #maskStarts: Int32Array
  readonly #maskNumbers: Int32Array
  /** By number of a mask that decides first: the predicates without literals that have it. */
  readonly #memberStarts: Int32Array
  readonly #members: Int32Array
  /** Words of masks that decide first. */
  readonly #firstWords: number
  readonly #literals: LiteralClauses | null

  /**
   * @param gates by predicate, what a text must look like for it; null: none satisfies it
   * @param wanted predicates that are asked for
   * @param literalsOf what looks for the literals of some of them, and may for those of others
   */
  constructor(
    predicates: readonly Predicate[],
    gates: readonly (Gate | null)[],
    wanted: Int32Array,
    kinds: ByteKinds,
    literalsOf: (requirements: readonly PredicateRequirement[]) => LiteralClauses,
  ) {
    this.#wanted = wanted
    this.#always = new Int32Array(wanted.length)
    this.#minLength = new Int32Array(predicates.length)
    this.#maxLength = new Int32Array(predicates.length).fill(ANY_LENGTH)
    const masks = new MaskNumbers()
    const lengthOnly: number[] = []
    const members: number[][] = []
    const numbers: number[][] = predicates.map(() => [])
    const requirements: PredicateRequirement[] = []
    const used = predicates.filter(({ index }) => (wanted[index >> 5] & (1 << (index & 31))) !== 0)
    // Masks that decide first have the lowest numbers: their words are looked through.
    for (const { index, negated } of used) {
      const gate = gates[index]
      if (negated || gate === null || gate.requirement !== null) continue
      if (gate.byteMasks.length > 0) masks.numberOf(gate.byteMasks[0])
    }
    for (const { index, negated } of used) {
      const gate = gates[index]
      if (negated || (gate !== null && isOpen(gate))) this.#always[index >> 5] |= 1 << (index & 31)
      if (negated || gate === null || isOpen(gate)) continue
      this.#minLength[index] = gate.minLength
      this.#maxLength[index] = gate.maxLength ?? ANY_LENGTH
      numbers[index] = gate.byteMasks.map((mask) => masks.numberOf(mask))
      if (gate.requirement !== null) requirements.push([index, gate.requirement])
      else if (numbers[index].length === 0) lengthOnly.push(index)
      else (members[numbers[index][0]] ??= []).push(index)
    }
    this.#lengthOnly = Int32Array.from(lengthOnly)
    const byMask = Array.from({ length: members.length }, (_, number) => members[number] ?? [])
    ;[this.#memberStarts, this.#members] = flat(byMask)
    ;[this.#maskStarts, this.#maskNumbers] = flat(numbers)
    this.#firstWords = Math.ceil(members.length / 32)
    this.#masks = new ByteMasks(masks.masks, kinds)
    this.#literals = requirements.length === 0 ? null : literalsOf(requirements)
  }

  /**
   * Looks at the text that `kinds` has scanned last.
   *
   * @param scanText holds it too where `isLoaded`; otherwise written over
   * @param into a bit for each predicate that is wanted; written over
   */
  mark(
    textLatin1: string,
    kinds: ByteKinds,
    scanText: ScanText,
    isLoaded: boolean,
    into: Int32Array,
  ): void {
    const { length } = textLatin1
    for (let word = 0; word < into.length; word += 1) into[word] = this.#always[word]
    this.#masks.mark(kinds)
    const { hits } = this.#masks
    for (let word = 0; word < this.#firstWords; word += 1) {
      let left = hits[word]
      while (left !== 0) {
        const low = left & -left
        left ^= low
        const mask = (word << 5) + 31 - Math.clz32(low)
        if (mask + 1 >= this.#memberStarts.length) break
        const end = this.#memberStarts[mask + 1]
        for (let at = this.#memberStarts[mask]; at < end; at += 1) {
          this.#propose(this.#members[at], length, into)
        }
      }
    }
    for (let at = 0; at < this.#lengthOnly.length; at += 1) {
      this.#propose(this.#lengthOnly[at], length, into)
    }
    if (this.#literals === null || length === 0) return
    const count = this.#literals.collect(textLatin1, scanText, isLoaded)
    const { found } = this.#literals
    for (let at = 0; at < count; at += 1) {
      const predicate = found[at]
      const isWanted = (this.#wanted[predicate >> 5] & (1 << (predicate & 31))) !== 0
      if (isWanted) this.#propose(predicate, length, into)
    }
  }

  #propose(predicate: number, length: number, into: Int32Array): void {
    if (length < this.#minLength[predicate] || length > this.#maxLength[predicate]) return
    const { hits } = this.#masks
    const end = this.#maskStarts[predicate + 1]
    for (let at = this.#maskStarts[predicate]; at < end; at += 1) {
      const mask = this.#maskNumbers[at]
      if ((hits[mask >> 5] & (1 << (mask & 31))) === 0) return
    }
    into[predicate >> 5] |= 1 << (predicate & 31)
  }
}

function isOpen({ requirement, byteMasks, minLength, maxLength }: Gate): boolean {
  const isAnyLength = minLength === 0 && maxLength === undefined
  return requirement === null && byteMasks.length === 0 && isAnyLength
}

/** Lists as one array and the places where each begins. */
function flat(lists: readonly (readonly number[])[]): [starts: Int32Array, items: Int32Array] {
  const starts = new Int32Array(lists.length + 1)
  for (const [index, list] of lists.entries()) starts[index + 1] = starts[index] + list.length
  return [starts, Int32Array.from(lists.flat())]
}
