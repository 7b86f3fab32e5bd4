import type { GateView } from './gate-index.ts'

/** What rules want to know of a value, which follows from the variable that it belongs to. */
export interface Interest {
  /** Groups of rules that look at the variable. */
  readonly groups: Int32Array
  /** Gates of their predicates. */
  readonly view: GateView
  /** Indices of the lanes that they are in. */
  readonly lanes: readonly number[]
}
