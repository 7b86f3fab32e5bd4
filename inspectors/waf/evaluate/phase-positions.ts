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
  /** Exclusions of this transaction that are heeded. */
  #losers = 0
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
    this.#losers = 0
    for (let word = 0; word < this.#alive.length; word += 1) {
      this.#silenced[word] = quiet === null ? 0 : this.#alive[word] & quiet[word]
      this.#alive[word] ^= this.#silenced[word]
    }
    this.wake(transaction)
  }

  /** To be called after each rule: those that values were taken from are tried again. */
  wake({ removedTargets }: Transaction): void {
    if (removedTargets === null || removedTargets.length === this.#losers) return
    this.#losers = removedTargets.length
    const losing = this.#quietRules.losing(removedTargets)
    for (let word = 0; word < this.#alive.length; word += 1) {
      this.#alive[word] |= this.#silenced[word] & losing[word]
    }
  }

  /** A rule was run and did not match. @param link the first that did not */
  noteMismatch(transaction: Transaction, position: number, link: number): void {
    this.#quietRules.note(transaction, position, link)
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
