import type { Lane, Program } from '../compile/program.ts'
import type { TextFacts } from '../values/text-facts.ts'

/** Groups, and the lanes that they are in. */
export interface Interest {
  readonly groups: Int32Array
  readonly lanes: readonly number[]
}

/**
 * Decides at a text's first look which groups of rules it, as the value of a variable, may satisfy.
 *
 * Most texts satisfy no predicate's gate, and have no byte that any transformation would change: they cost
 * one test per lane. Where the text is as it was after a lane, its groups follow from the few predicates that are
 * left; for the other lanes the results are gated in turn.
 */
export class TextGroups {
  readonly #program: Program
  /** Words of 32 groups. */
  readonly #width: number
  /** Per predicate, `#width` words: the groups that have it. */
  readonly #groupsOf: Int32Array
  readonly #laneMasks: readonly Int32Array[]
  readonly #none: Int32Array
  readonly #live: Int32Array
  /** Groups of the lanes that leave the text at hand as it is. */
  readonly #same: Int32Array

  constructor(program: Program) {
    this.#program = program
    const { groups, lanes, words } = program
    const width = Math.max(1, Math.ceil(groups.length / 32))
    this.#width = width
    this.#groupsOf = new Int32Array(words * 32 * width)
    for (const group of groups) {
      for (const [at, word] of group.words.entries()) {
        for (let bit = 0; bit < 32; bit += 1) {
          if ((group.masks[at] & (1 << bit)) === 0) continue
          this.#groupsOf[(word * 32 + bit) * width + (group.index >> 5)] |= 1 << (group.index & 31)
        }
      }
    }
    this.#laneMasks = lanes.map((lane) => {
      const mask = new Int32Array(width)
      for (const { index } of lane.groups) mask[index >> 5] |= 1 << (index & 31)
      return mask
    })
    this.#none = new Int32Array(width)
    this.#live = new Int32Array(width)
    this.#same = new Int32Array(width)
  }

  get width(): number {
    return this.#width
  }

  /** What has to be looked at for some groups. */
  interestIn(groups: Int32Array): Interest {
    const lanes = this.#laneMasks.flatMap((mask, at) =>
      mask.some((bits, word) => (bits & groups[word]) !== 0) ? at : [],
    )
    return { groups, lanes }
  }

  /**
   * A bit for each group that the text may satisfy.
   *
   * @param interest the groups that are asked for; the bits of others say nothing
   */
  of(facts: TextFacts, interest: Interest): Int32Array {
    const wanted = interest.groups
    const { decidedGroups, liveGroups } = facts
    if (liveGroups === null || decidedGroups === null) {
      facts.decidedGroups = wanted
      facts.liveGroups = this.#look(facts, interest)
      return facts.liveGroups
    }
    if (decidedGroups === wanted) return liveGroups
    let missing = 0
    for (let word = 0; word < this.#width; word += 1) missing |= wanted[word] & ~decidedGroups[word]
    if (missing === 0) return liveGroups
    // Of what was decided before some may have turned out dead since: it is not looked at again.
    const both = decidedGroups.slice()
    const more = this.#look(facts, interest).slice()
    for (let word = 0; word < this.#width; word += 1) {
      both[word] |= wanted[word]
      more[word] = liveGroups[word] | (more[word] & ~decidedGroups[word])
    }
    facts.decidedGroups = both
    facts.liveGroups = more
    return more
  }

  #look(facts: TextFacts, interest: Interest): Int32Array {
    const { texts, words } = this.#program
    const wanted = interest.groups
    const live = this.#live
    const same = this.#same
    live.fill(0)
    same.fill(0)
    const triggers = texts.triggersOf(facts)
    for (let at = 0; at < interest.lanes.length; at += 1) {
      const index = interest.lanes[at]
      const lane = this.#program.lanes[index]
      if ((triggers & lane.triggerMask) === 0 || this.#isSame(lane, facts)) {
        const mask = this.#laneMasks[index]
        for (let word = 0; word < this.#width; word += 1) same[word] |= mask[word] & wanted[word]
      } else this.#lookThrough(lane, facts, wanted)
    }
    const bits = texts.bitsOf(facts)
    for (let word = 0; word < words; word += 1) {
      let left = bits[word]
      while (left !== 0) {
        const low = left & -left
        left ^= low
        const from = ((word << 5) + 31 - Math.clz32(low)) * this.#width
        for (let at = 0; at < this.#width; at += 1) {
          live[at] |= this.#groupsOf[from + at] & same[at]
        }
      }
    }
    for (let word = 0; word < this.#width; word += 1) if (live[word] !== 0) return live.slice()
    return this.#none
  }

  #isSame({ pipelines }: Lane, facts: TextFacts): boolean {
    const { texts } = this.#program
    for (let step = 0; step < pipelines.length; step += 1) {
      if (texts.through(facts, pipelines[step]) !== facts) return false
    }
    return true
  }

  #lookThrough({ groups, pipelines }: Lane, facts: TextFacts, wanted: Int32Array): void {
    const { texts } = this.#program
    for (let step = 0; step < pipelines.length; step += 1) {
      const bits = texts.bitsOf(texts.through(facts, pipelines[step]))
      for (let at = 0; at < groups.length; at += 1) {
        const { index, words, masks } = groups[at]
        if ((wanted[index >> 5] & (1 << (index & 31))) === 0) continue
        let any = 0
        for (let word = 0; word < words.length; word += 1) any |= bits[words[word]] & masks[word]
        if (any !== 0) this.#live[index >> 5] |= 1 << (index & 31)
      }
    }
  }
}
