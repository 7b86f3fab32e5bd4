import type { Requirement } from '#signatures/pcre/gate.ts'
import {
  GramFilter,
  MAX_PATTERN_BYTES,
  PatternHits,
  type ScanText,
  scanString,
} from '#inspectors/matching/gram-filter.ts'
import { StampSet } from '#inspectors/matching/stamp-set.ts'

/** What a predicate needs: each clause met by one of its literals. */
export type PredicateRequirement = readonly [predicate: number, requirement: Requirement]

/** Required literals of many predicates: which of them have every clause met. */
export class LiteralClauses {
  readonly #filter: GramFilter
  /** Clauses per literal, flat: those of literal `i` are at `[starts[i], starts[i + 1])`. */
  readonly #starts: Int32Array
  readonly #clauses: Int32Array
  readonly #predicateOf: Int32Array
  readonly #clausesMet: StampSet
  /** Clauses of a predicate, and those met so far. */
  readonly #needed: Int32Array
  readonly #met: Int32Array
  readonly #predicatesBegun: StampSet
  readonly #hits: PatternHits
  /** Predicates that `collect` found. */
  readonly found: Int32Array

  /**
   * Literals are looked for in both cases of their letters, and of long ones the beginning: a text may then
   * be let through that need not be, never the other way round.
   */
  constructor(requirements: readonly PredicateRequirement[]) {
    const literals = new Map<string, number[]>()
    const predicateOf: number[] = []
    const count = requirements.reduce((most, [predicate]) => Math.max(most, predicate + 1), 0)
    this.#needed = new Int32Array(count)
    for (const [predicate, requirement] of requirements) {
      for (const clause of requirement) {
        const id = predicateOf.push(predicate) - 1
        this.#needed[predicate] += 1
        const texts = clause.map(({ text }) => foldAscii(text.slice(0, MAX_PATTERN_BYTES)))
        for (const text of new Set(texts)) {
          const clauses = literals.get(text)
          if (clauses === undefined) literals.set(text, [id])
          else clauses.push(id)
        }
      }
    }
    this.#filter = new GramFilter([...literals.keys()])
    this.#hits = new PatternHits(literals.size)
    this.found = new Int32Array(count)
    const lists = [...literals.values()]
    this.#starts = new Int32Array(lists.length + 1)
    for (const [id, list] of lists.entries()) this.#starts[id + 1] = this.#starts[id] + list.length
    this.#clauses = Int32Array.from(lists.flat())
    this.#predicateOf = Int32Array.from(predicateOf)
    this.#clausesMet = new StampSet(predicateOf.length)
    this.#met = new Int32Array(count)
    this.#predicatesBegun = new StampSet(count)
  }

  /**
   * Finds the predicates that have all clauses met by a text, each once.
   *
   * @param scanText holds the text already where `isLoaded`; otherwise written over
   * @returns how many
   */
  collect(textLatin1: string, scanText: ScanText, isLoaded: boolean): number {
    const hits = this.#hits
    if (isLoaded) {
      hits.clear(this.#filter.patternCount)
      this.#filter.scan(scanText, 0, 0, hits)
    } else scanString(this.#filter, scanText, textLatin1, hits)
    if (hits.count === 0) return 0
    let complete = 0
    this.#clausesMet.clear()
    this.#predicatesBegun.clear()
    for (let hit = 0; hit < hits.count; hit += 1) {
      const literal = hits.ids[hit]
      const end = this.#starts[literal + 1]
      for (let at = this.#starts[literal]; at < end; at += 1) {
        const clause = this.#clauses[at]
        if (!this.#clausesMet.add(clause)) continue
        const predicate = this.#predicateOf[clause]
        const met = this.#predicatesBegun.add(predicate) ? 1 : this.#met[predicate] + 1
        this.#met[predicate] = met
        if (met === this.#needed[predicate]) this.found[complete++] = predicate
      }
    }
    return complete
  }
}

function foldAscii(text: string): string {
  return text.replaceAll(/[A-Z]/g, (letter) => letter.toLowerCase())
}
