import type { Group, Program } from '../compile/program.ts'
import { digitTwinsOf } from '../values/digit-blindness.ts'
import type { GateView } from '../values/gate-index.ts'
import type { Interest } from '../values/interest.ts'
import { areRemaking, type LanePlan, type LaneState, LaneStates } from '../values/lane-states.ts'
import type { Predicate } from '../values/predicate.ts'
import type { TextFacts } from '../values/text-facts.ts'

/**
 * Decides at a value's first look which groups of rules it may satisfy.
 *
 * Most values satisfy no predicate's gate, and have no byte that any transformation would change: they cost
 * next to nothing. What transformations make of the others is gated in turn; which groups look at which of these
 * texts `LaneStates` tells.
 */
export class TextGroups {
  /** Words of 32 groups. */
  readonly width: number
  readonly #program: Program
  readonly #interests = new Map<string, Interest>()
  /** Per predicate, `width` words: the groups that have it. */
  readonly #groupsOf: Int32Array
  /** No typed array: to copy one costs ten times as much. */
  readonly #live: number[]
  /** What is to be done with the text at hand. A stack, as the next two: the first so many are in use. */
  readonly #plans: LanePlan[] = []
  #planCount = 0
  /** Texts made of it that wait, and the states they are in. */
  readonly #made: TextFacts[] = []
  readonly #states: LaneState[] = []
  #madeCount = 0

  constructor(program: Program) {
    this.#program = program
    const { groups, words } = program
    const width = Math.max(1, Math.ceil(groups.length / 32))
    this.width = width
    this.#groupsOf = new Int32Array(words * 32 * width)
    for (const group of groups) {
      for (const [at, word] of group.words.entries()) {
        for (let bit = 0; bit < 32; bit += 1) {
          if ((group.masks[at] & (1 << bit)) === 0) continue
          this.#groupsOf[(word * 32 + bit) * width + (group.index >> 5)] |= 1 << (group.index & 31)
        }
      }
    }
    this.#live = Array.from({ length: width }, () => 0)
  }

  /** Groups as a bit set. */
  setOf(groups: readonly Group[]): Int32Array {
    const set = new Int32Array(this.width)
    for (const { index } of groups) set[index >> 5] |= 1 << (index & 31)
    return set
  }

  /** What has to be found out for some groups; null: nothing. Equal ones are one object. */
  interestIn(groups: readonly Group[]): Interest | null {
    if (groups.length === 0) return null
    const distinct = [...new Set(groups)]
    const key = this.setOf(distinct).join()
    const known = this.#interests.get(key)
    if (known !== undefined) return known
    const view = this.#viewOf(distinct)
    const remadeView = this.#viewOf(distinct.filter(({ pipelines }) => areRemaking(pipelines)))
    const { start } = new LaneStates(distinct, this.width, view, remadeView)
    const twins = digitTwinsOf(
      distinct.map((group) => ({ ...group, predicates: this.#predicatesOf(group) })),
    )
    const interest = { view, start, twins }
    this.#interests.set(key, interest)
    return interest
  }

  /** True when one of some groups, as a bit set, has the predicate. */
  haveIn(groups: Int32Array, predicate: number): boolean {
    const { width } = this
    const from = predicate * width
    for (let at = 0; at < width; at += 1) {
      if ((this.#groupsOf[from + at] & groups[at]) !== 0) return true
    }
    return false
  }

  #predicatesOf({ words, masks }: Group): Predicate[] {
    const predicates: Predicate[] = []
    for (const [at, word] of words.entries()) {
      for (let bit = 0; bit < 32; bit += 1) {
        if ((masks[at] & (1 << bit)) === 0) continue
        predicates.push(this.#program.texts.predicate(word * 32 + bit))
      }
    }
    return predicates
  }

  #viewOf(groups: readonly Group[]): GateView {
    const predicates = new Int32Array(this.#program.words)
    for (const group of groups) {
      for (const [word, bits] of group.predicates.entries()) predicates[word] |= bits
    }
    return this.#program.texts.view(predicates)
  }

  /**
   * A bit for each group of interest that a raw value may satisfy; null: it satisfies none. The array is kept
   * with the value, and bits may be cleared in it when a group turns out not to be satisfied.
   */
  of(facts: TextFacts, interest: Interest): number[] | null {
    if (facts.interest === interest) return facts.liveGroups
    if (facts.otherInterest === interest) return facts.otherLiveGroups
    const live = this.#look(facts, interest)
    if (facts.interest === null) {
      facts.interest = interest
      facts.liveGroups = live
    } else {
      facts.otherInterest = interest
      facts.otherLiveGroups = live
    }
    return live
  }

  #look(facts: TextFacts, interest: Interest): number[] | null {
    const { width } = this
    const live = this.#live
    for (let word = 0; word < width; word += 1) live[word] = 0
    this.#planCount = 0
    this.#madeCount = 0
    this.#lookAt(facts, interest.start, interest.view)
    let any = 0
    for (let word = 0; word < width; word += 1) any |= live[word]
    return any === 0 ? null : live.slice()
  }

  #lookAt(facts: TextFacts, state: LaneState, all: GateView): void {
    const { texts } = this.#program
    const plans = this.#plans
    const made = this.#made
    const firstPlan = this.#planCount
    const firstMade = this.#madeCount
    const triggers = texts.triggersOf(facts)
    let isAsked = false
    plans[this.#planCount++] = state.planOf(triggers)
    for (let at = firstPlan; at < this.#planCount; at += 1) {
      const { groups, moves } = plans[at]
      if (groups !== null) isAsked = true
      for (let index = 0; index < moves.length; index += 1) {
        const move = moves[index]
        const result = texts.step(facts, move)
        if (result === facts) plans[this.#planCount++] = move.next.planOf(triggers)
        else {
          this.#states[this.#madeCount] = move.next
          made[this.#madeCount++] = result
        }
      }
    }
    if (isAsked) {
      // What was gated for all is not gated again for some.
      const view = facts.gatedBy === all ? all : state.view
      const bits = texts.bitsOf(facts, view)
      for (let at = firstPlan; at < this.#planCount; at += 1) {
        const { groups } = plans[at]
        if (groups !== null) this.#addGroups(bits, view.wanted, groups)
      }
    }
    this.#planCount = firstPlan
    const end = this.#madeCount
    for (let at = firstMade; at < end; at += 1) this.#lookAt(made[at], this.#states[at], all)
    this.#madeCount = firstMade
  }

  /** Adds those of some groups that have one of the predicates. */
  #addGroups(bits: readonly number[], wanted: Int32Array, groups: Int32Array): void {
    const { width } = this
    const live = this.#live
    const groupsOf = this.#groupsOf
    for (let word = 0; word < wanted.length; word += 1) {
      let left = bits[word] & wanted[word]
      while (left !== 0) {
        const low = left & -left
        left ^= low
        const from = ((word << 5) + 31 - Math.clz32(low)) * width
        for (let at = 0; at < width; at += 1) live[at] |= groupsOf[from + at] & groups[at]
      }
    }
  }
}
