import type { Requirement } from '#signatures/pcre/gate.ts'
import { buildAutomaton } from '#inspectors/matching/aho-corasick.ts'
import type { Automaton } from '#inspectors/matching/automaton.ts'
import { StampSet } from '#inspectors/matching/stamp-set.ts'

/** Required literals of many predicates: which of them have every clause met. */
export class LiteralClauses {
  readonly #automaton: Automaton
  /** Clauses per literal, flat: those of literal `i` are at `[starts[i], starts[i + 1])`. */
  readonly #starts: Int32Array
  readonly #clauses: Int32Array
  readonly #predicateOf: Int32Array
  readonly #clausesMet: StampSet
  /** Clauses of a predicate, and those met so far. */
  readonly #needed: Int32Array
  readonly #met: Int32Array
  readonly #predicatesBegun: StampSet
  readonly #hits: Int32Array
  /** Predicates that `collect` found. */
  readonly found: Int32Array

  constructor(requirements: readonly (readonly [predicate: number, requirement: Requirement])[]) {
    const literals = new Map<string, number[]>()
    const predicateOf: number[] = []
    const count = requirements.reduce((most, [predicate]) => Math.max(most, predicate + 1), 0)
    this.#needed = new Int32Array(count)
    for (const [predicate, requirement] of requirements) {
      for (const clause of requirement) {
        const id = predicateOf.push(predicate) - 1
        this.#needed[predicate] += 1
        for (const text of new Set(clause.map((literal) => foldAscii(literal.text)))) {
          const clauses = literals.get(text)
          if (clauses === undefined) literals.set(text, [id])
          else clauses.push(id)
        }
      }
    }
    const texts = [...literals.keys()]
    this.#automaton = buildAutomaton(texts, { ignoreCase: true })
    this.#hits = new Int32Array(texts.length)
    this.found = new Int32Array(count)
    const lists = [...literals.values()]
    this.#starts = new Int32Array(texts.length + 1)
    for (const [id, list] of lists.entries()) this.#starts[id + 1] = this.#starts[id] + list.length
    this.#clauses = Int32Array.from(lists.flat())
    this.#predicateOf = Int32Array.from(predicateOf)
    this.#clausesMet = new StampSet(predicateOf.length)
    this.#met = new Int32Array(count)
    this.#predicatesBegun = new StampSet(count)
  }

  /** Literals that some of these predicates have, as a bit set. */
  literalsOf(predicates: Int32Array): Int32Array {
    const set = new Int32Array(Math.ceil(this.#hits.length / 32))
    for (let literal = 0; literal < this.#hits.length; literal += 1) {
      const clauses = this.#clauses.subarray(this.#starts[literal], this.#starts[literal + 1])
      const isTheirs = clauses.some((clause) => {
        const predicate = this.#predicateOf[clause]
        return (predicates[predicate >> 5] & (1 << (predicate & 31))) !== 0
      })
      if (isTheirs) set[literal >> 5] |= 1 << (literal & 31)
    }
    return set
  }

  /**
   * Finds predicates that have all clauses met by a text, each once.
   *
   * @param literals those that count (`literalsOf`)
   * @returns how many
   */
  collect(bytes: Uint8Array, length: number, literals: Int32Array): number {
    const hits = this.#hits
    const count = this.#automaton.collectBytes(bytes, 0, length, hits)
    if (count === 0) return 0
    let complete = 0
    this.#clausesMet.clear()
    this.#predicatesBegun.clear()
    for (let hit = 0; hit < count; hit += 1) {
      const literal = hits[hit]
      if ((literals[literal >> 5] & (1 << (literal & 31))) === 0) continue
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
