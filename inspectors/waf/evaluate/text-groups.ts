import type { Group, Program } from '../compile/program.ts'
import type { GateView } from '../values/gate-index.ts'
import type { Interest, LanePlan } from '../values/interest.ts'
import type { TextFacts } from '../values/text-facts.ts'
import { planLanes } from './lane-plan.ts'

/** Plans are made as trigger bytes come together; there are more such sets than will ever be seen. */
const MAX_PLANS = 256

/**
 * Decides at a value's first look which groups of rules it may satisfy.
 *
 * Most values satisfy no predicate's gate, and have no byte that any transformation would change: they cost
 * next to nothing. Where the text is as it was after a lane, its groups follow from the few predicates that are
 * left; for the other lanes the results are gated in turn.
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
    const set = this.setOf(groups)
    const key = set.join()
    const known = this.#interests.get(key)
    if (known !== undefined) return known
    const lanes = [...new Set(groups.map((group) => group.lane))].sort((a, b) => a - b)
    let triggerMask = 0
    for (const lane of lanes) triggerMask |= this.#program.lanes[lane].triggerMask
    const remade = groups.filter((group) => this.#program.lanes[group.lane].isRemade)
    const interest = {
      groups: set,
      view: this.#viewOf(groups),
      remadeView: this.#viewOf(remade),
      lanes,
      triggerMask,
      plans: new Map(),
    }
    this.#interests.set(key, interest)
    return interest
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
    const { texts } = this.#program
    const { width } = this
    const { view, remadeView } = interest
    const live = this.#live
    for (let word = 0; word < width; word += 1) live[word] = 0
    const { same, hasSame, changing } = this.#planOf(interest, texts.triggersOf(facts))
    if (hasSame) this.#addGroups(texts.bitsOf(facts, view), view.wanted, same)
    for (let at = 0; at < changing.length; at += 1) {
      const { pipelines, lastSteps, isRemade, groupSet, words, masks } = changing[at]
      let before: TextFacts | null = null
      for (let step = 0; step < pipelines.length; step += 1) {
        const last = lastSteps[step]
        const made: TextFacts =
          before === null || last === null
            ? texts.through(facts, pipelines[step])
            : texts.step(before, last)
        if (made === before) continue
        before = made
        const result = texts.bitsOf(made, isRemade && made.gatedBy !== view ? remadeView : view)
        let any = 0
        for (let word = 0; word < words.length; word += 1) any |= result[words[word]] & masks[word]
        if (any !== 0) this.#addGroups(result, view.wanted, groupSet)
      }
    }
    let any = 0
    for (let word = 0; word < width; word += 1) any |= live[word]
    return any === 0 ? null : live.slice()
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

  #planOf(interest: Interest, triggers: number): LanePlan {
    const { plans, lanes, groups, triggerMask } = interest
    const relevant = triggers & triggerMask
    const known = plans.get(relevant)
    if (known !== undefined) return known
    const plan = planLanes(this.#program.lanes, lanes, relevant, groups)
    if (plans.size === MAX_PLANS) plans.clear()
    plans.set(relevant, plan)
    return plan
  }
}
