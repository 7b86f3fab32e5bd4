import type { GateView } from './gate-index.ts'
import type { Pipeline, PipelineStep } from './pipeline.ts'

/** What rules want to know of a value, which follows from the variable that it belongs to. */
export interface Interest {
  /** Groups of rules that look at the variable. */
  readonly groups: Int32Array
  /** Gates of their predicates. */
  readonly view: GateView
  /** Of those that are asked of texts which decoding makes of anything, whatever bytes it has. */
  readonly remadeView: GateView
  /** Indices of the lanes that they are in. */
  readonly lanes: readonly number[]
  /** Bits of trigger-masks.ts that some of these lanes ask for. */
  readonly triggerMask: number
  /** By those of these bits that a text has. Filled as texts come. */
  readonly plans: Map<number, LanePlan>
}

/** What is to be done with a value that has certain trigger bytes, for some groups of rules. */
export interface LanePlan {
  /** Groups whose transformations leave such a value as it is. */
  readonly same: Int32Array
  readonly hasSame: boolean
  readonly changing: readonly ChangingLane[]
}

/** Transformations that may change the value, and the groups that look at the results. */
export interface ChangingLane {
  readonly pipelines: readonly Pipeline[]
  /** By pipeline: its last step, where the rest of it is the one before; null otherwise. */
  readonly lastSteps: readonly (PipelineStep | null)[]
  /** Makes something else of any text: no other lane is likely to look at that. */
  readonly isRemade: boolean
  /** The lane's groups that are asked for, as a bit set. */
  readonly groupSet: Int32Array
  /** Words of predicates in which these groups have bits, and the bits. */
  readonly words: Int32Array
  readonly masks: Int32Array
}
