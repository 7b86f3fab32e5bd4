import type { Operator } from '../operators/operator.ts'

/**
 * An operator with its argument, and whether the rule wants it to match. Rules that ask the same
 * question share one predicate, so its answer for a text is found once.
 */
export interface Predicate {
  /** Bit of the predicate in the words of a text. */
  readonly index: number
  readonly operator: Operator
  readonly negated: boolean
}
