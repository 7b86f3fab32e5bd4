import type { PhaseProgram } from '../compile/program.ts'
import type { Transaction } from '../transaction/transaction.ts'
import { QuietRules } from './quiet-rules.ts'

/** The rules of a phase that are to be tried, as a bit set over their positions. */
export class PhasePositions {
  /** Groups that have rules in the phase. */
  readonly groups: readonly number[]
  readonly #phase: PhaseProgram
  readonly #ungated: Int32Array
  readonly #alive: Int32Array
  readonly #quietRules: QuietRules
  /** Left out because they would not match again. */
  readonly #silenced: Int32Array
  #hasSilenced = false
  /** By group. */
  readonly #positionsOf: readonly (Int32Array | undefined)[]

  constructor(phase: PhaseProgram, groupCount: number) {
    const { rules, groupOf } = phase
    this.#phase = phase
    const width = Math.ceil(rules.length / 32)
    this.#ungated = new Int32Array(width)
    this.#alive = new Int32Array(width)
    this.#silenced = new Int32Array(width)
    this.#quietRules = new QuietRules(phase)
    const positionsOf: number[][] = Array.from({ length: groupCount }, () => [])
    for (const [position, group] of groupOf.entries()) {
      if (group < 0) this.#ungated[position >> 5] |= 1 << (position & 31)
      else positionsOf[group].push(position)
    }
    this.groups = positionsOf.flatMap((positions, group) => (positions.length > 0 ? group : []))
    this.#positionsOf = positionsOf.map((positions) =>
      positions.length > 0 ? Int32Array.from(positions) : undefined,
    )
  }

  /** Only those rules that are not gated. */
  reset(): void {
    for (let word = 0; word < this.#alive.length; word += 1) {
      this.#alive[word] = this.#ungated[word]
    }
  }

  /** Adds the rules of a group whose predicates are in `union`. */
  admit(group: number, union: Int32Array): void {
    const positions = this.#positionsOf[group]
    if (positions === undefined) return
    const { wordOf, bitOf } = this.#phase
    for (let at = 0; at < positions.length; at += 1) {
      const position = positions[at]
      if ((union[wordOf[position]] & bitOf[position]) === 0) continue
      this.#alive[position >> 5] |= 1 << (position & 31)
    }
  }

  /** Leaves out rules that did not match the last time, and would not now. To be called when all are admitted. */
  silence(transaction: Transaction): void {
    const quiet = this.#quietRules.begin(transaction)
    this.#hasSilenced = quiet !== null
    if (quiet === null) return
    for (let word = 0; word < this.#alive.length; word += 1) {
      this.#silenced[word] = this.#alive[word] & quiet[word]
      this.#alive[word] &= ~quiet[word]
    }
  }

  /** Values were taken from rules: those that count values count others than when the phase began. */
  wake(): void {
    if (!this.#hasSilenced) return
    this.#hasSilenced = false
    for (let word = 0; word < this.#alive.length; word += 1) {
      this.#alive[word] |= this.#silenced[word]
    }
  }

  /** A rule was run and did not match. @param isPartial some links of it did */
  noteMismatch(transaction: Transaction, position: number, isPartial: boolean): void {
    this.#quietRules.note(transaction, position, isPartial)
  }

  /** First position to be tried at or after this one; -1: none. */
  next(from: number): number {
    const alive = this.#alive
    let word = from >> 5
    if (word >= alive.length) return -1
    let bits = alive[word] & (-1 << (from & 31))
    while (bits === 0) {
      word += 1
      if (word === alive.length) return -1
      bits = alive[word]
    }
    return (word << 5) + 31 - Math.clz32(bits & -bits)
  }
}
