import { type ByteSet, collectBytes, intersects } from '#signatures/pcre/gate.ts'
import type { Lane, Program } from '../compile/program.ts'
import type { TextFacts } from '../values/text-facts.ts'

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
  readonly #bytes: ByteSet = new Uint32Array(8)

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

  /** A bit for each group that the text may satisfy. All zeros are one array for all texts. */
  of(facts: TextFacts): Int32Array {
    return (facts.liveGroups ??= this.#look(facts))
  }

  #look(facts: TextFacts): Int32Array {
    const { texts, lanes, words } = this.#program
    const live = this.#live
    const same = this.#same
    live.fill(0)
    same.fill(0)
    const bytes = this.#bytes
    bytes.fill(0)
    collectBytes(facts.text, bytes)
    for (let at = 0; at < lanes.length; at += 1) {
      const { triggers } = lanes[at]
      const isSame =
        (triggers !== null && !intersects(triggers, bytes)) || this.#isSame(lanes[at], facts)
      if (isSame) {
        const mask = this.#laneMasks[at]
        for (let word = 0; word < this.#width; word += 1) same[word] |= mask[word]
      } else this.#lookThrough(lanes[at], facts)
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

  #lookThrough({ groups, pipelines }: Lane, facts: TextFacts): void {
    const { texts } = this.#program
    for (let step = 0; step < pipelines.length; step += 1) {
      const bits = texts.bitsOf(texts.through(facts, pipelines[step]))
      for (let at = 0; at < groups.length; at += 1) {
        const { index, words, masks } = groups[at]
        let any = 0
        for (let word = 0; word < words.length; word += 1) any |= bits[words[word]] & masks[word]
        if (any !== 0) this.#live[index >> 5] |= 1 << (index & 31)
      }
    }
  }
}
