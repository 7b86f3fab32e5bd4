import type { Group, Lane, Program } from '../compile/program.ts'
import type { GateView } from '../values/gate-index.ts'
import type { Interest } from '../values/interest.ts'
import type { TextFacts } from '../values/text-facts.ts'

/**
 * Decides at a value's first look which groups of rules it may satisfy.
 *
 * Most values satisfy no predicate's gate, and have no byte that any transformation would change: they cost
 * one test per lane. Where the text is as it was after a lane, its groups follow from the few predicates that are
 * left; for the other lanes the results are gated in turn.
 */
export class TextGroups {
  /** Words of 32 groups. */
  readonly width: number
  readonly #program: Program
  readonly #interests = new Map<string, Interest>()
  /** Per predicate, `width` words: the groups that have it. */
  readonly #groupsOf: Int32Array
  /** Per lane, `width` words: its groups. */
  readonly #groupsOfLane: Int32Array
  readonly #live: Int32Array
  /** Groups of the lanes that leave the text at hand as it is. */
  readonly #same: Int32Array

  constructor(program: Program) {
    this.#program = program
    const { groups, lanes, words } = program
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
    this.#groupsOfLane = new Int32Array(lanes.length * width)
    for (const [at, lane] of lanes.entries()) {
      this.#groupsOfLane.set(groupSet(lane.groups, width), at * width)
    }
    this.#live = new Int32Array(width)
    this.#same = new Int32Array(width)
  }

  /** What has to be found out for some groups; null: nothing. Equal ones are one object. */
  interestIn(groups: readonly Group[]): Interest | null {
    if (groups.length === 0) return null
    const set = groupSet(groups, this.width)
    const key = set.join()
    const known = this.#interests.get(key)
    if (known !== undefined) return known
    const predicates = new Int32Array(this.#program.words)
    for (const group of groups) {
      for (const [word, bits] of group.predicates.entries()) predicates[word] |= bits
    }
    const lanes = [...new Set(groups.map((group) => group.lane))].sort((a, b) => a - b)
    const interest = { groups: set, view: this.#program.texts.view(predicates), lanes }
    this.#interests.set(key, interest)
    return interest
  }

  /**
   * A bit for each group of interest that a raw value may satisfy; null: it satisfies none. The array is kept
   * with the value, and bits may be cleared in it when a group turns out not to be satisfied.
   */
  of(facts: TextFacts, interest: Interest): Int32Array | null {
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

  #look(facts: TextFacts, interest: Interest): Int32Array | null {
    const { texts, lanes } = this.#program
    const { width } = this
    const live = this.#live
    const same = this.#same
    for (let word = 0; word < width; word += 1) {
      live[word] = 0
      same[word] = 0
    }
    const bits = texts.bitsOf(facts, interest.view)
    const triggers = texts.triggersOf(facts)
    for (let at = 0; at < interest.lanes.length; at += 1) {
      const index = interest.lanes[at]
      const lane = lanes[index]
      if ((triggers & lane.triggerMask) === 0 || this.#isSame(lane, facts)) {
        const from = index * width
        for (let word = 0; word < width; word += 1) same[word] |= this.#groupsOfLane[from + word]
      } else this.#lookThrough(lane, facts, interest.view)
    }
    const predicates = interest.view.wanted
    for (let word = 0; word < predicates.length; word += 1) {
      let left = bits[word] & predicates[word]
      while (left !== 0) {
        const low = left & -left
        left ^= low
        const from = ((word << 5) + 31 - Math.clz32(low)) * width
        for (let at = 0; at < width; at += 1) live[at] |= this.#groupsOf[from + at] & same[at]
      }
    }
    let any = 0
    for (let word = 0; word < width; word += 1) {
      live[word] &= interest.groups[word]
      any |= live[word]
    }
    return any === 0 ? null : live.slice()
  }

  #isSame({ pipelines }: Lane, facts: TextFacts): boolean {
    const { texts } = this.#program
    for (let step = 0; step < pipelines.length; step += 1) {
      if (texts.through(facts, pipelines[step]) !== facts) return false
    }
    return true
  }

  #lookThrough({ groups, pipelines }: Lane, facts: TextFacts, view: GateView): void {
    const { texts } = this.#program
    for (let step = 0; step < pipelines.length; step += 1) {
      const bits = texts.bitsOf(texts.through(facts, pipelines[step]), view)
      for (let at = 0; at < groups.length; at += 1) {
        const { index, words, masks } = groups[at]
        let any = 0
        for (let word = 0; word < words.length; word += 1) any |= bits[words[word]] & masks[word]
        if (any !== 0) this.#live[index >> 5] |= 1 << (index & 31)
      }
    }
  }
}

function groupSet(groups: readonly Group[], width: number): Int32Array {
  const set = new Int32Array(width)
  for (const { index } of groups) set[index >> 5] |= 1 << (index & 31)
  return set
}
