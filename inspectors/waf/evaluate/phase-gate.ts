import { type ByteSet, collectBytes, intersects } from '#signatures/pcre/gate.ts'
import type { Group, Program, TargetList, TargetPart } from '../compile/program.ts'
import { type Collection, valuesOf } from '../transaction/collections.ts'
import type { Transaction } from '../transaction/transaction.ts'
import type { Entry } from '../values/entry.ts'
import type { TextFacts } from '../values/text-facts.ts'
import { isPartValue, ResolvedTargets, resolveTargets, xmlPathValues } from './resolved-targets.ts'

/**
 * Decides which rules of a phase are worth a look.
 *
 * Rules that look at the same variables through the same transformations form a group. When the first of
 * them is reached, its values are asked whether they are known to satisfy none of the group
 * (`TextFacts.deadGroups`, united over a collection once per phase). If that is not so, the predicates
 * that the texts could satisfy are united over all values of the group. A rule whose predicate is not in
 * its group's union cannot match. What the tests learn about a text goes back into its facts, so unions
 * shrink with time, and a value seen before costs a look-up.
 *
 * Scratch space of one worker and program, used by one phase at a time.
 */
export class PhaseGate {
  readonly #program: Program
  readonly #unions: Int32Array
  /** Per group: `#stamp` when it is dead in this phase, `-#stamp` when its union is made. */
  readonly #groupStates: Int32Array
  readonly #listStamps: Int32Array
  readonly #resolved: ResolvedTargets[]
  readonly #resolvedStamps: Int32Array
  /** Words of 32 groups. */
  readonly #groupWords: number
  /** Per collection id: groups that none of its values satisfies. */
  readonly #collectionDead: Int32Array[] = []
  readonly #collectionStamps: number[] = []
  /** The same for the list at hand. */
  readonly #dead: Int32Array
  readonly #bytes: ByteSet = new Uint32Array(8)
  #stamp = 0

  constructor(program: Program) {
    this.#program = program
    this.#unions = new Int32Array(program.groups.length * program.words)
    this.#groupStates = new Int32Array(program.groups.length)
    this.#listStamps = new Int32Array(program.targetLists.length)
    this.#resolved = program.targetLists.map(() => new ResolvedTargets())
    this.#resolvedStamps = new Int32Array(program.targetLists.length)
    this.#groupWords = Math.max(1, Math.ceil(program.groups.length / 32))
    this.#dead = new Int32Array(this.#groupWords)
  }

  /** Forgets what held for the phase before. */
  startPhase(): void {
    this.#stamp += 1
  }

  /** False when no value of the group can satisfy the predicate at this word and bit. */
  admits(transaction: Transaction, group: number, word: number, bit: number): boolean {
    const state = this.#groupStates[group]
    if (state === this.#stamp) return false
    if (state !== -this.#stamp && !this.#prepare(transaction, this.#program.groups[group])) {
      return false
    }
    return (this.#unions[group * this.#program.words + word] & bit) !== 0
  }

  /** Values of a list that do not change while the phase runs. */
  valuesOf(transaction: Transaction, targets: TargetList): ResolvedTargets {
    const resolved = this.#resolved[targets.index]
    if (this.#resolvedStamps[targets.index] !== this.#stamp) {
      this.#resolvedStamps[targets.index] = this.#stamp
      resolveTargets(transaction, targets, resolved, -1)
    }
    return resolved
  }

  /** Decides about a group for this phase: false when it is dead, else its union is made. */
  #prepare(transaction: Transaction, group: Group): boolean {
    const { targets, index } = group
    if (this.#listStamps[targets.index] !== this.#stamp) this.#findDead(transaction, targets)
    if (this.#groupStates[index] === this.#stamp) return false
    this.#unite(transaction, group)
    this.#groupStates[index] = -this.#stamp
    return true
  }

  /** Marks the groups of a list that all its values are known not to satisfy. */
  #findDead(transaction: Transaction, targets: TargetList): void {
    this.#listStamps[targets.index] = this.#stamp
    const { parts } = targets
    const groups = this.#program.groupsOfList[targets.index]
    const first = groups[0] >> 5
    const last = groups[groups.length - 1] >> 5
    const dead = this.#dead
    dead.fill(-1, first, last + 1)
    for (let at = 0; at < parts.length; at += 1) {
      const part = parts[at]
      if (part.isWhole) {
        const whole = this.#deadOfCollection(transaction, part.collection)
        for (let word = first; word <= last; word += 1) dead[word] &= whole[word]
      } else this.#intersectPart(transaction, part, first, last)
    }
    for (let at = 0; at < groups.length; at += 1) {
      const group = groups[at]
      if ((dead[group >> 5] & (1 << (group & 31))) !== 0) this.#groupStates[group] = this.#stamp
    }
  }

  #intersectPart(transaction: Transaction, part: TargetPart, first: number, last: number): void {
    const dead = this.#dead
    const isXml = part.selector.kind === 'xpath'
    const entries = isXml
      ? xmlPathValues(transaction, part.selector)
      : valuesOf(transaction, part.collection)
    for (let at = 0; at < entries.length; at += 1) {
      const entry = entries[at]
      if (!isXml && !isPartValue(part, entry)) continue
      const known = this.#deadGroups(entry)
      for (let word = first; word <= last; word += 1) dead[word] &= known[word]
    }
  }

  #deadOfCollection(transaction: Transaction, collection: Collection): Int32Array {
    const { id } = collection
    const dead = (this.#collectionDead[id] ??= new Int32Array(this.#groupWords))
    if (this.#collectionStamps[id] === this.#stamp) return dead
    this.#collectionStamps[id] = this.#stamp
    dead.fill(-1)
    const entries = valuesOf(transaction, collection)
    for (let at = 0; at < entries.length; at += 1) {
      const known = this.#deadGroups(entries[at])
      for (let word = 0; word < dead.length; word += 1) dead[word] &= known[word]
    }
    return dead
  }

  #deadGroups(entry: Entry): Int32Array {
    const facts = (entry.facts ??= this.#program.texts.of(entry.value))
    return facts.deadGroups ?? this.#firstLook(facts)
  }

  /**
   * A text seen for the first time. Most texts have no byte that any transformation would change: then
   * all groups of a lane are decided by the text as it is. The others are decided when they are united.
   */
  #firstLook(facts: TextFacts): Int32Array {
    const { texts, lanes } = this.#program
    const dead = new Int32Array(this.#groupWords)
    facts.deadGroups = dead
    const bits = texts.bitsOf(facts)
    const bytes = this.#bytes
    bytes.fill(0)
    collectBytes(facts.text, bytes)
    for (let lane = 0; lane < lanes.length; lane += 1) {
      const { groups, triggers } = lanes[lane]
      if (triggers === null || intersects(triggers, bytes)) continue
      for (let at = 0; at < groups.length; at += 1) {
        const { index, words, masks } = groups[at]
        let live = 0
        for (let word = 0; word < words.length; word += 1) live |= bits[words[word]] & masks[word]
        if (live === 0) dead[index >> 5] |= 1 << (index & 31)
      }
    }
    return dead
  }

  #unite(transaction: Transaction, group: Group): void {
    const { texts } = this.#program
    const { pipelines, words, masks, index } = group
    const unions = this.#unions
    const base = index * this.#program.words
    for (let at = 0; at < words.length; at += 1) unions[base + words[at]] = 0
    const { entries, length } = this.valuesOf(transaction, group.targets)
    const groupWord = index >> 5
    const groupBit = 1 << (index & 31)
    for (let at = 0; at < length; at += 1) {
      const entry = entries[at]
      const deadGroups = this.#deadGroups(entry)
      if ((deadGroups[groupWord] & groupBit) !== 0) continue
      let live = 0
      for (let step = 0; step < pipelines.length; step += 1) {
        const bits = texts.bitsOf(texts.through(entry.facts!, pipelines[step]))
        for (let word = 0; word < words.length; word += 1) {
          const masked = bits[words[word]] & masks[word]
          unions[base + words[word]] |= masked
          live |= masked
        }
      }
      if (live === 0) deadGroups[groupWord] |= groupBit
    }
  }
}
