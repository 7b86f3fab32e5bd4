import type { Program } from '../compile/program.ts'
import { isTame } from '../values/digit-blindness.ts'
import type { Interest } from '../values/interest.ts'
import type { LanePlan, LaneState } from '../values/lane-states.ts'
import type { Predicate } from '../values/predicate.ts'
import type { TextGroups } from './text-groups.ts'

/** Predicates that are tried of one text. What has more to be tried is better known when a phase is run. */
const MAX_TRIED = 2

/**
 * Tells whether any rule of some groups may match a raw value, and keeps nothing: for values that will not be
 * seen again, of which mostly no rule matches any. `TextGroups` finds out the same for good.
 *
 * The text and what transformations make of it are gated, and predicates that are left are tried at once if they are few.
 */
export class QuietLook {
  readonly #program: Program
  readonly #groups: TextGroups
  /** What is to be done with the text at hand. A stack, as the next two: the first so many are in use. */
  readonly #plans: LanePlan[] = []
  #planCount = 0
  /** Texts made of it that wait, and the states they are in. */
  readonly #made: string[] = []
  readonly #states: LaneState[] = []
  #madeCount = 0
  /** So are all texts that were looked at so far (digit-blindness.ts). */
  #isTame = false

  constructor(program: Program, groups: TextGroups) {
    this.#program = program
    this.#groups = groups
  }

  /** True: no rule of the groups of interest matches. False: one does, or it was not found out. */
  isQuiet(textLatin1: string, { start, twins }: Interest): boolean {
    if (twins !== null && twins.isTwin(textLatin1)) return areUnmatched(twins.tests, textLatin1)
    this.#planCount = 0
    this.#madeCount = 0
    this.#isTame = twins !== null
    const isQuiet = this.#isQuietIn(textLatin1, start)
    if (isQuiet && this.#isTame && twins !== null) twins.keep(textLatin1)
    return isQuiet
  }

  #isQuietIn(text: string, state: LaneState): boolean {
    const { texts } = this.#program
    const plans = this.#plans
    const made = this.#made
    const firstPlan = this.#planCount
    const firstMade = this.#madeCount
    const triggers = texts.scan(text)
    if (this.#isTame && !isTame(text)) this.#isTame = false
    plans[this.#planCount++] = state.planOf(triggers)
    if (!this.#isUnmatched(text, state, firstPlan)) return false
    for (let at = firstPlan; at < this.#planCount; at += 1) {
      const { moves } = plans[at]
      for (let index = 0; index < moves.length; index += 1) {
        const { transformation, next } = moves[index]
        const result = transformation.apply(text)
        if (result === text) plans[this.#planCount++] = next.planOf(triggers)
        else {
          this.#states[this.#madeCount] = next
          made[this.#madeCount++] = result
        }
      }
    }
    const hasMore = this.#planCount > firstPlan + 1
    if (hasMore && !this.#isUnmatched(text, state, firstPlan + 1)) return false
    this.#planCount = firstPlan
    const end = this.#madeCount
    for (let at = firstMade; at < end; at += 1) {
      if (!this.#isQuietIn(made[at], this.#states[at])) return false
    }
    this.#madeCount = firstMade
    return true
  }

  /** False when the text that was scanned last may match something that the plans ask about. */
  #isUnmatched(text: string, { view }: LaneState, firstPlan: number): boolean {
    const { texts } = this.#program
    if (!this.#areGroupsIn(firstPlan)) return true
    const { found, count } = texts.candidates(view)
    let left = 0
    for (let at = 0; at < count; at += 1) {
      if (!this.#isAsked(found[at], firstPlan)) continue
      found[left++] = found[at]
      if (left > MAX_TRIED) return false
    }
    for (let at = 0; at < left; at += 1) {
      const { operator, negated } = texts.predicate(found[at])
      if (operator.match(text, null) !== negated) return false
    }
    return true
  }

  #areGroupsIn(firstPlan: number): boolean {
    for (let at = firstPlan; at < this.#planCount; at += 1) {
      if (this.#plans[at].groups !== null) return true
    }
    return false
  }

  #isAsked(predicate: number, firstPlan: number): boolean {
    for (let at = firstPlan; at < this.#planCount; at += 1) {
      const { groups } = this.#plans[at]
      if (groups !== null && this.#groups.haveIn(groups, predicate)) return true
    }
    return false
  }
}

function areUnmatched(tests: readonly Predicate[], text: string): boolean {
  for (let at = 0; at < tests.length; at += 1) {
    const { operator, negated } = tests[at]
    if (operator.match(text, null) !== negated) return false
  }
  return true
}
