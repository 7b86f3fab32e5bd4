import type { Gate } from '#signatures/pcre/gate.ts'
import type { ScanText } from '#inspectors/matching/gram-filter.ts'
import { ByteMasks, MaskNumbers } from './byte-masks.ts'
import type { ByteSamples } from './byte-samples.ts'
import type { LiteralClauses, PredicateRequirement } from './literal-clauses.ts'
import type { Predicate } from './predicate.ts'

const ANY_LENGTH = 0x7fff_ffff
/** Sets of masks of which it is remembered what follows from them; a power of two. */
const SHAPES = 64

/**
 * Which of some predicates a text could satisfy, decided for all of them in one pass.
 *
 * A gate is an AND of clauses (each an OR of literals), byte masks, a least and a greatest length. The bytes of a text
 * tell which masks it shares a byte with. There are few such sets in real traffic: numbers, words, identifiers,
 * addresses. What follows from one (`Shape`) is remembered: the predicates whose masks are all hit, and whether
 * any of them has literals. Only then these are looked for, all at once (`literal-clauses.ts`); each knows the
 * clauses it meets. Predicates without any gate, and negated ones, are candidates always.
 *
 * Cost: one OR of words per byte, or per byte that occurs in a long text, and one scan for literals where some predicate
 * is left that needs them. The naive twin is to make everything a candidate (`gate: 'off'`).
 */
export class GateTable {
  /** Predicates that `collect` found: the first `count`. */
  readonly found: Int32Array
  count = 0
  /** What is a candidate whatever the text. */
  readonly #always: Int32Array
  readonly #minLength: Int32Array
  readonly #maxLength: Int32Array
  readonly #masks: ByteMasks
  /** Predicates with a gate: those without literals, and those with some. */
  readonly #free: Int32Array
  readonly #bound: Int32Array
  /** Numbers of the masks of predicate `p` are at `[maskStarts[p], maskStarts[p + 1])`. */
  readonly #maskStarts: Int32Array
  readonly #maskNumbers: Int32Array
  readonly #literals: LiteralClauses | null
  readonly #words: number
  readonly #shapes: (Shape | undefined)[] = Array.from({ length: SHAPES }, () => undefined)

  /**
   * @param gates by predicate, what a text must look like for it; null: none satisfies it
   * @param wanted predicates that are asked for
   * @param literalsOf what looks for the literals of some of them, and may for those of others
   */
  constructor(
    predicates: readonly Predicate[],
    gates: readonly (Gate | null)[],
    wanted: Int32Array,
    literalsOf: (requirements: readonly PredicateRequirement[]) => LiteralClauses,
  ) {
    this.#words = wanted.length
    this.#minLength = new Int32Array(predicates.length)
    this.#maxLength = new Int32Array(predicates.length).fill(ANY_LENGTH)
    const masks = new MaskNumbers()
    const always: number[] = []
    const free: number[] = []
    const bound: number[] = []
    const numbers: number[][] = predicates.map(() => [])
    const requirements: PredicateRequirement[] = []
    for (const { index, negated } of predicates) {
      if ((wanted[index >> 5] & (1 << (index & 31))) === 0) continue
      const gate = gates[index]
      if (negated || (gate !== null && isOpen(gate))) always.push(index)
      if (negated || gate === null || isOpen(gate)) continue
      this.#minLength[index] = gate.minLength
      this.#maxLength[index] = gate.maxLength ?? ANY_LENGTH
      numbers[index] = gate.byteMasks.map((mask) => masks.numberOf(mask))
      if (gate.requirement === null) free.push(index)
      else {
        bound.push(index)
        requirements.push([index, gate.requirement])
      }
    }
    this.#always = Int32Array.from(always)
    this.#free = Int32Array.from(free)
    this.#bound = Int32Array.from(bound)
    this.found = new Int32Array(always.length + free.length + bound.length)
    ;[this.#maskStarts, this.#maskNumbers] = flat(numbers)
    this.#masks = new ByteMasks(masks.masks)
    this.#literals = requirements.length === 0 ? null : literalsOf(requirements)
  }

  /**
   * Finds the predicates that a text could satisfy, each once.
   *
   * @param samples its bytes
   * @param scanText holds it where `isLoaded`; otherwise written over
   */
  collect(textLatin1: string, samples: ByteSamples, scanText: ScanText, isLoaded: boolean): void {
    const { length } = textLatin1
    const found = this.found
    let count = this.#always.length
    for (let at = 0; at < count; at += 1) found[at] = this.#always[at]
    const shape = this.#shapeOf(samples)
    for (let at = 0; at < shape.freeCount; at += 1) {
      const predicate = shape.free[at]
      if (this.#isLong(predicate, length)) found[count++] = predicate
    }
    this.count = count
    if (!shape.needsLiterals || this.#literals === null || length === 0) return
    const complete = this.#literals.collect(textLatin1, scanText, isLoaded)
    const literals = this.#literals.found
    for (let at = 0; at < complete; at += 1) {
      const predicate = literals[at]
      const isLeft = (shape.bound[predicate >> 5] & (1 << (predicate & 31))) !== 0
      if (isLeft && this.#isLong(predicate, length)) found[count++] = predicate
    }
    this.count = count
  }

  #isLong(predicate: number, length: number): boolean {
    return length >= this.#minLength[predicate] && length <= this.#maxLength[predicate]
  }

  #shapeOf({ bytes, count }: ByteSamples): Shape {
    this.#masks.mark(bytes, count)
    const { hits } = this.#masks
    let hash = hits[0]
    for (let word = 1; word < hits.length; word += 1) hash = Math.imul(hash, 31) ^ hits[word]
    const place = (Math.imul(hash, 0x9e_37_79_b1) >>> 16) & (SHAPES - 1)
    let shape = this.#shapes[place]
    if (shape !== undefined && isOf(shape, hits)) return shape
    shape ??= this.#shapes[place] = new Shape(hits.length, this.#free.length, this.#words)
    this.#describe(shape, hits)
    return shape
  }

  #describe(shape: Shape, hits: Int32Array): void {
    shape.hits.set(hits)
    shape.freeCount = 0
    for (let at = 0; at < this.#free.length; at += 1) {
      const predicate = this.#free[at]
      if (this.#areHit(predicate)) shape.free[shape.freeCount++] = predicate
    }
    shape.bound.fill(0)
    shape.needsLiterals = false
    for (let at = 0; at < this.#bound.length; at += 1) {
      const predicate = this.#bound[at]
      if (!this.#areHit(predicate)) continue
      shape.bound[predicate >> 5] |= 1 << (predicate & 31)
      shape.needsLiterals = true
    }
  }

  #areHit(predicate: number): boolean {
    const { hits } = this.#masks
    const end = this.#maskStarts[predicate + 1]
    for (let at = this.#maskStarts[predicate]; at < end; at += 1) {
      const mask = this.#maskNumbers[at]
      if ((hits[mask >> 5] & (1 << (mask & 31))) === 0) return false
    }
    return true
  }
}

/** What follows from the masks that a text shares a byte with. Reused for others. */
class Shape {
  readonly hits: Int32Array
  /** Predicates without literals whose masks are all hit: the first `freeCount`. */
  readonly free: Int32Array
  freeCount = 0
  /** Those with literals, as a bit set; true where there are any. */
  readonly bound: Int32Array
  needsLiterals = false

  constructor(masks: number, free: number, words: number) {
    this.hits = new Int32Array(masks)
    this.free = new Int32Array(free)
    this.bound = new Int32Array(words)
  }
}

function isOf(shape: Shape, hits: Int32Array): boolean {
  for (let word = 0; word < hits.length; word += 1) {
    if (shape.hits[word] !== hits[word]) return false
  }
  return true
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
