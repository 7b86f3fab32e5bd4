import type { Group, Program, TargetList, TargetPart } from '../compile/program.ts'
import { type Collection, valuesOf } from '../transaction/collections.ts'
import type { Transaction } from '../transaction/transaction.ts'
import type { Entry } from '../values/entry.ts'
import { isPartValue, ResolvedTargets, resolveTargets, xmlPathValues } from './resolved-targets.ts'
import { type Interest, TextGroups } from './text-groups.ts'

/**
 * Decides which rules of a phase are worth a look, and at which values.
 *
 * Rules that look at the same variables through the same transformations form a group. Of each collection
 * those values are found, once per phase, that may satisfy any group at all (`TextGroups`): few, and none in
 * most. When the first rule of a list of variables is reached, they are dealt out to the groups of the list.
 * When the first rule of a group is reached, the predicates that its values could satisfy are united: a rule
 * whose predicate is not among them cannot match. What the tests learn about a text goes back into its
 * facts, so that a value seen before costs a look-up.
 *
 * Scratch space of one worker and program, used by one phase at a time.
 */
export class PhaseGate {
  readonly #program: Program
  readonly #textGroups: TextGroups
  readonly #unions: Int32Array
  /** Per group: the values that may satisfy it; filled when its list is reached. */
  readonly #candidates: readonly Candidates[]
  readonly #listStamps: Int32Array
  readonly #uniteStamps: Int32Array
  readonly #resolved: ResolvedTargets[]
  readonly #resolvedStamps: Int32Array
  /** By collection id. */
  readonly #collections: LiveCollection[] = []
  /** By collection id: the groups that look at it. */
  readonly #wanted: Interest[] = []
  #stamp = 0

  constructor(program: Program) {
    const { groups, targetLists } = program
    this.#program = program
    this.#textGroups = new TextGroups(program)
    this.#unions = new Int32Array(groups.length * program.words)
    this.#candidates = groups.map(() => new Candidates())
    this.#listStamps = new Int32Array(targetLists.length)
    this.#uniteStamps = new Int32Array(groups.length)
    this.#resolved = targetLists.map(() => new ResolvedTargets())
    this.#resolvedStamps = new Int32Array(targetLists.length)
    const groupsOf = new Map<number, Int32Array>()
    for (const { index, targets } of groups) {
      for (const { collection } of targets.parts) {
        const of = groupsOf.get(collection.id) ?? new Int32Array(this.#textGroups.width)
        of[index >> 5] |= 1 << (index & 31)
        groupsOf.set(collection.id, of)
      }
    }
    for (const [id, of] of groupsOf) this.#wanted[id] = this.#textGroups.interestIn(of)
  }

  /** Forgets what held for the phase before. */
  startPhase(): void {
    this.#stamp += 1
  }

  /** False when no value of the group can satisfy the predicate at this word and bit. */
  admits(transaction: Transaction, index: number, word: number, bit: number): boolean {
    if (this.#uniteStamps[index] !== this.#stamp) {
      const group = this.#program.groups[index]
      if (this.#listStamps[group.targets.index] !== this.#stamp) {
        this.#dealOut(transaction, group.targets)
      }
      this.#unite(group)
      this.#uniteStamps[index] = this.#stamp
    }
    if (this.#candidates[index].length === 0) return false
    return (this.#unions[index * this.#program.words + word] & bit) !== 0
  }

  /** Values that may satisfy a group of which `admits` was asked. */
  candidatesOf(group: number): Candidates {
    return this.#candidates[group]
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

  /** Gives the values of a list to those of its groups that they may satisfy, in the list's order. */
  #dealOut(transaction: Transaction, targets: TargetList): void {
    this.#listStamps[targets.index] = this.#stamp
    const { parts } = targets
    const groups = this.#program.groupsOfList[targets.index]
    for (let at = 0; at < groups.length; at += 1) this.#candidates[groups[at]].length = 0
    for (let at = 0; at < parts.length; at += 1) {
      const part = parts[at]
      if (part.selector.kind === 'xpath') {
        const entries = xmlPathValues(transaction, part.selector)
        for (let index = 0; index < entries.length; index += 1) {
          this.#liveGroups(entries[index], this.#wanted[part.collection.id])
          this.#deal(entries[index], at, groups)
        }
      } else this.#dealPart(this.#liveOf(transaction, part.collection), part, at, groups)
    }
  }

  #dealPart(
    collection: LiveCollection,
    part: TargetPart,
    at: number,
    groups: readonly number[],
  ): void {
    const { entries, length } = collection
    if (length === 0 || !hasAny(collection.groups, groups)) return
    for (let index = 0; index < length; index += 1) {
      const entry = entries[index]
      if (part.isWhole || isPartValue(part, entry)) this.#deal(entry, at, groups)
    }
  }

  #deal(entry: Entry, part: number, groups: readonly number[]): void {
    const live = entry.facts!.liveGroups!
    for (let at = 0; at < groups.length; at += 1) {
      const group = groups[at]
      if ((live[group >> 5] & (1 << (group & 31))) !== 0) this.#candidates[group].add(entry, part)
    }
  }

  #liveOf(transaction: Transaction, collection: Collection): LiveCollection {
    const live = (this.#collections[collection.id] ??= new LiveCollection(this.#textGroups.width))
    if (live.stamp === this.#stamp) return live
    live.stamp = this.#stamp
    live.length = 0
    live.groups.fill(0)
    const entries = valuesOf(transaction, collection)
    const wanted = this.#wanted[collection.id]
    for (let at = 0; at < entries.length; at += 1) {
      const groups = this.#liveGroups(entries[at], wanted)
      let any = 0
      for (let word = 0; word < groups.length; word += 1) {
        const bits = groups[word] & wanted.groups[word]
        any |= bits
        live.groups[word] |= bits
      }
      if (any === 0) continue
      live.entries[live.length] = entries[at]
      live.length += 1
    }
    return live
  }

  #liveGroups(entry: Entry, wanted: Interest): Int32Array {
    return this.#textGroups.of((entry.facts ??= this.#program.texts.of(entry.value)), wanted)
  }

  /** Unites what the values of a group could satisfy; those that turned out to satisfy nothing go. */
  #unite(group: Group): void {
    const { texts } = this.#program
    const { pipelines, words, masks, index } = group
    const unions = this.#unions
    const base = index * this.#program.words
    const candidates = this.#candidates[index]
    for (let at = 0; at < words.length; at += 1) unions[base + words[at]] = 0
    let kept = 0
    for (let at = 0; at < candidates.length; at += 1) {
      const facts = candidates.entries[at].facts!
      let live = 0
      for (let step = 0; step < pipelines.length; step += 1) {
        const bits = texts.bitsOf(texts.through(facts, pipelines[step]))
        for (let word = 0; word < words.length; word += 1) {
          const masked = bits[words[word]] & masks[word]
          unions[base + words[word]] |= masked
          live |= masked
        }
      }
      if (live === 0) {
        facts.liveGroups![index >> 5] &= ~(1 << (index & 31))
        continue
      }
      candidates.move(at, kept)
      kept += 1
    }
    candidates.length = kept
  }
}

/** Values with the parts of the list that they belong to. Reused: `length` says how many. */
export class Candidates {
  length = 0
  readonly entries: Entry[] = []
  readonly #parts: number[] = []

  add(entry: Entry, part: number): void {
    this.entries[this.length] = entry
    this.#parts[this.length] = part
    this.length += 1
  }

  move(from: number, to: number): void {
    if (from === to) return
    this.entries[to] = this.entries[from]
    this.#parts[to] = this.#parts[from]
  }

  partOf(at: number): number {
    return this.#parts[at]
  }
}

/** The values of a collection that may satisfy some group in this phase, and which groups. */
class LiveCollection {
  stamp = 0
  length = 0
  readonly entries: Entry[] = []
  readonly groups: Int32Array

  constructor(width: number) {
    this.groups = new Int32Array(width)
  }
}

function hasAny(bits: Int32Array, groups: readonly number[]): boolean {
  for (let at = 0; at < groups.length; at += 1) {
    if ((bits[groups[at] >> 5] & (1 << (groups[at] & 31))) !== 0) return true
  }
  return false
}
