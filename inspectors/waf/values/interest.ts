import type { GateView } from './gate-index.ts'
import type { LaneState } from './lane-states.ts'

/** What rules want to know of a value, which follows from the variable that it belongs to. */
export interface Interest {
  /** Gates of the predicates of all groups that look at the variable. */
  readonly view: GateView
  /** Where a raw value begins. */
  readonly start: LaneState
}
