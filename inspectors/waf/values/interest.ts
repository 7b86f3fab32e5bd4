import type { DigitTwins } from './digit-blindness.ts'
import type { GateView } from './gate-index.ts'
import type { LaneState } from './lane-states.ts'

/** What rules want to know of a value, which follows from the variable that it belongs to. */
export interface Interest {
  /** Gates of the predicates of all groups that look at the variable. */
  readonly view: GateView
  /** Where a raw value begins. */
  readonly start: LaneState
  /** Texts that no rule matches; null: they tell nothing of others. */
  readonly twins: DigitTwins | null
}
