import type { Transformation } from '../transformations/transformation.ts'
import type { GateView } from './gate-index.ts'
import type { Pipeline, PipelineStep } from './pipeline.ts'
import { TRIGGERS_OF_ALL } from './trigger-masks.ts'

/**
 * The pipelines of many groups of rules as an automaton over one text.
 *
 * Pipelines that begin alike share what they make; and most transformations leave most texts as they are, which the
 * bytes of a text tell (trigger-masks.ts). So of all pipelines that lead to a text, a state is the set of the
 * places where they go on. With the triggers of the text it says which groups look at this text, and which few
 * transformations may make another one, each with the state that follows. No text is made twice for that, or looked at
 * for pipelines that leave it as it is.
 *
 * States and what they say are made as texts ask for them, and bounded.
 */

/** Of one automaton; with more it begins anew. */
const MAX_STATES = 256
/** Sets of triggers that one state has met; with more it forgets them. */
const MAX_PLANS = 256

/** Rules that look at what some pipelines make. */
export interface LaneGroup {
  readonly index: number
  readonly pipelines: readonly Pipeline[]
}

/** What is to be done with a text. */
export interface LanePlan {
  /** Groups that look at it, as a bit set; null: none. */
  readonly groups: Int32Array | null
  /** Transformations that may make another text of it. */
  readonly moves: readonly LaneMove[]
}

export interface LaneMove extends PipelineStep {
  /** Where the pipelines go on, also if the text comes back as it was. */
  readonly next: LaneState
}

/** A place in a pipeline, or in several that begin alike. */
interface Point {
  readonly index: number
  /** What leads here; null: the beginning. */
  readonly step: PipelineStep | null
  readonly next: Point[]
  /** Those whose pipelines end here. */
  readonly groups: number[]
  /** All pipelines that lead through make something else of any text. */
  isRemade: boolean
}

/** Some places where pipelines go on with the same text. */
export class LaneState {
  /** Gates of all predicates that may be asked of its texts. */
  readonly view: GateView
  /** Bits of trigger-masks.ts that decide what is done. */
  readonly triggerMask: number
  readonly #states: LaneStates
  readonly #points: readonly Point[]
  readonly #plans = new Map<number, LanePlan>()

  constructor(states: LaneStates, points: readonly Point[], view: GateView) {
    this.#states = states
    this.#points = points
    this.view = view
    this.triggerMask = points.reduce((mask, point) => mask | triggersBehind(point), 0)
  }

  /** @param triggers of the text */
  planOf(triggers: number): LanePlan {
    const relevant = triggers & this.triggerMask
    const known = this.#plans.get(relevant)
    if (known !== undefined) return known
    const plan = this.#states.plan(this.#points, relevant)
    if (this.#plans.size >= MAX_PLANS) this.#plans.clear()
    this.#plans.set(relevant, plan)
    return plan
  }

  forget(): void {
    this.#plans.clear()
  }
}

export class LaneStates {
  /** Of a text that nothing was done to. */
  readonly start: LaneState
  /** Words of 32 groups. */
  readonly #width: number
  readonly #view: GateView
  readonly #remadeView: GateView
  /** By the places of each. */
  readonly #states = new Map<string, LaneState>()

  /**
   * @param view gates of the predicates of all groups
   * @param remadeView of those that are asked of texts which decoding makes of anything, whatever bytes it has
   */
  constructor(groups: readonly LaneGroup[], width: number, view: GateView, remadeView: GateView) {
    this.#width = width
    this.#view = view
    this.#remadeView = remadeView
    this.start = new LaneState(this, [pointsOf(groups)], view)
  }

  plan(points: readonly Point[], triggers: number): LanePlan {
    const groups = new Int32Array(this.#width)
    const moves = new Map<Transformation, { step: PipelineStep; points: Point[] }>()
    const reached = [...points]
    for (const point of reached) {
      for (const group of point.groups) groups[group >> 5] |= 1 << (group & 31)
      for (const next of point.next) {
        const step = next.step!
        if ((triggers & step.triggerMask) === 0) reached.push(next)
        else {
          const move = moves.get(step.transformation) ?? { step, points: [] }
          moves.set(step.transformation, move)
          move.points.push(next)
        }
      }
    }
    return {
      groups: groups.some((bits) => bits !== 0) ? groups : null,
      moves: [...moves.values()].map((move) => ({ ...move.step, next: this.#state(move.points) })),
    }
  }

  #state(points: readonly Point[]): LaneState {
    const key = points
      .map(({ index }) => index)
      .sort((a, b) => a - b)
      .join()
    const known = this.#states.get(key)
    if (known !== undefined) return known
    if (this.#states.size >= MAX_STATES) {
      this.#states.clear()
      this.start.forget()
    }
    const isRemade = points.every((point) => point.isRemade)
    const state = new LaneState(this, points, isRemade ? this.#remadeView : this.#view)
    this.#states.set(key, state)
    return state
  }
}

/** True when the pipelines make something else of any text: they decode letters and digits. */
export function areRemaking(pipelines: readonly Pipeline[]): boolean {
  return pipelines.some(({ steps }) =>
    steps.some(({ triggerMask }) => (triggerMask & TRIGGERS_OF_ALL) !== 0),
  )
}

/** The tree of all places, by its root. */
function pointsOf(groups: readonly LaneGroup[]): Point {
  let count = 0
  const pointOf = (step: PipelineStep | null): Point => ({
    index: count++,
    step,
    next: [],
    groups: [],
    isRemade: true,
  })
  const root = pointOf(null)
  root.isRemade = false
  for (const { index, pipelines } of groups) {
    const isRemade = areRemaking(pipelines)
    for (const { steps } of pipelines) {
      let at = root
      for (const step of steps) {
        let next = at.next.find((one) => one.step!.transformation === step.transformation)
        if (next === undefined) {
          next = pointOf(step)
          at.next.push(next)
        }
        next.isRemade &&= isRemade
        at = next
      }
      at.groups.push(index)
    }
  }
  return root
}

function triggersBehind({ next }: Point): number {
  let mask = 0
  for (const point of next) mask |= point.step!.triggerMask | triggersBehind(point)
  return mask
}
