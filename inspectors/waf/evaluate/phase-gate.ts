import type { CompiledLink, Group, Program, TargetList, TargetPart } from '../compile/program.ts'
import { type Collection, valuesOf } from '../transaction/collections.ts'
import type { Transaction } from '../transaction/transaction.ts'
import type { Entry } from '../values/entry.ts'
import { transformThrough } from '../values/pipeline.ts'
import type { TextFacts } from '../values/text-facts.ts'
import { type InterestSource, interestSources } from './interests.ts'
import { PhasePositions } from './phase-positions.ts'
import { QuietLook } from './quiet-look.ts'
import type { RecentValues } from './recent-values.ts'
import { isPartValue, ResolvedTargets, resolveTargets, xmlPathValues } from './resolved-targets.ts'
import { TextGroups } from './text-groups.ts'

/**
 * Decides which rules of a phase are worth a look, and at which values.
 *
 * Rules that look at the same variables through the same transformations form a group. When a phase begins,
 * each value of each variable that its rules look at is asked which groups it may satisfy (`TextGroups`): most
 * answer none, and if all do, nothing else is to be done. For the others the predicates that a group's
 * values could satisfy are united, and the rules of those predicates are the ones that the phase walks
 * through, together with those that cannot be gated. What the tests learn about a text goes back into its
 * facts, so that a value seen before costs a look-up.
 *
 * Scratch space of one worker and program, used by one phase at a time.
 */
export class PhaseGate {
  readonly #program: Program
  readonly #textGroups: TextGroups
  readonly #quietLook: QuietLook
  readonly #sources: readonly (readonly InterestSource[])[]
  /** By collection: what is asked of its values. */
  readonly #recentOf: (RecentValues | undefined)[] = []
  readonly #positions: readonly PhasePositions[]
  readonly #union: Int32Array
  /** Per group: the values that may satisfy it. */
  readonly #candidates: readonly Candidates[]
  readonly #hot: HotValues
  readonly #resolved: ResolvedTargets[]
  readonly #resolvedIn: Float64Array
  /** Phases begun: a number that never comes again. */
  #run = 0

  constructor(program: Program) {
    const { groups, targetLists, phases } = program
    this.#program = program
    this.#textGroups = new TextGroups(program)
    this.#quietLook = new QuietLook(program, this.#textGroups)
    this.#positions = phases.map((phase) => new PhasePositions(phase, groups.length))
    this.#sources = this.#positions.map(({ groups: ofPhase }) =>
      interestSources(program, this.#textGroups, ofPhase),
    )
    for (const { collection, path, recent } of this.#sources.flat()) {
      if (path === null) this.#recentOf[collection.id] ??= recent
    }
    this.#union = new Int32Array(program.words)
    this.#candidates = groups.map(() => new Candidates())
    this.#hot = new HotValues(this.#textGroups.width)
    this.#resolved = targetLists.map(() => new ResolvedTargets())
    this.#resolvedIn = new Float64Array(targetLists.length)
  }

  /** Looks at the values of a phase; `PhasePositions.next` then leads through the rules to be tried. */
  startPhase(transaction: Transaction, phase: number): PhasePositions {
    this.#run += 1
    const positions = this.#positions[phase]
    positions.reset()
    const hot = this.#hot
    hot.clear()
    const sources = this.#sources[phase]
    for (let at = 0; at < sources.length; at += 1) this.#lookAt(transaction, sources[at])
    if (hot.length > 0) this.#admit(positions)
    positions.silence(transaction)
    return positions
  }

  /** Admits the rules that the values of the phase may satisfy. */
  #admit(positions: PhasePositions): void {
    const hot = this.#hot
    for (let word = 0; word < hot.groups.length; word += 1) {
      let left = hot.groups[word]
      while (left !== 0) {
        const low = left & -left
        left ^= low
        const group = this.#program.groups[(word << 5) + 31 - Math.clz32(low)]
        this.#dealOut(group)
        if (this.#unite(group)) positions.admit(group.index, this.#union)
      }
    }
  }

  /** Values that may satisfy a group one of whose rules was admitted. */
  candidatesOf(group: number): Candidates {
    return this.#candidates[group]
  }

  /** Values of a list that do not change while the phase runs. */
  valuesOf(transaction: Transaction, targets: TargetList): ResolvedTargets {
    const resolved = this.#resolved[targets.index]
    if (this.#resolvedIn[targets.index] !== this.#run) {
      this.#resolvedIn[targets.index] = this.#run
      resolveTargets(transaction, targets, resolved, -1)
    }
    return resolved
  }

  #lookAt(transaction: Transaction, source: InterestSource): void {
    const { texts } = this.#program
    const { path } = source
    if (path !== null && transaction.xml === null) return
    const entries =
      path === null ? valuesOf(transaction, source.collection) : xmlPathValues(transaction, path)
    let before: TextFacts | null = null
    for (let at = 0; at < entries.length; at += 1) {
      const entry = entries[at]
      const recent = source.recent.at(entry, at)
      const { interest } = recent
      if (interest === null || entry.quietFor === interest) continue
      // Fields of a form repeat what the one before says: nothing, a number, a default.
      if (entry.facts === null && before !== null && before.text === entry.value) {
        recent.facts = entry.facts = before
      }
      before = entry.facts ??= recent.facts ??= texts.of(entry.value)
      const live = this.#textGroups.of(before, interest)
      if (live !== null) this.#hot.add(source, entry, live)
    }
  }

  /** Variables that the gate of a phase looks at. */
  collectionsOf(phase: number): Collection[] {
    return this.#sources[phase].map(({ collection }) => collection)
  }

  /** True when no gated rule of any phase matches the value, wherever it stands in its collection. */
  isQuiet(collection: Collection, entry: Entry): boolean {
    const recent = this.#recentOf[collection.id]
    const interest = recent === undefined ? null : recent.interestOf(entry.nameLower)
    if (interest === null) return true
    if (entry.quietFor === interest) return true
    if (entry.facts === null && this.#quietLook.isQuiet(entry.value, interest)) {
      entry.quietFor = interest
      return true
    }
    // What is found out is there for the phase, should it have to be run.
    const facts = (entry.facts ??= this.#program.texts.of(entry.value))
    const live = this.#textGroups.of(facts, interest)
    if (live === null) return true
    for (let word = 0; word < live.length; word += 1) {
      let left = live[word]
      while (left !== 0) {
        const low = left & -left
        left ^= low
        if (this.#isSatisfied(this.#program.groups[(word << 5) + 31 - Math.clz32(low)], facts)) {
          return false
        }
        live[word] ^= low
      }
    }
    return true
  }

  /** True when a value satisfies a link that has a fixed predicate. */
  satisfies({ test, pipelines }: CompiledLink, entry: Entry): boolean {
    if (test.kind !== 'static') return true
    const { operator, negated } = test.predicate
    for (let step = 0; step < pipelines.length; step += 1) {
      const text = transformThrough(entry.value, pipelines[step])
      if (operator.match(text, null) !== negated) return true
    }
    return false
  }

  #isSatisfied({ pipelines, words, masks }: Group, facts: TextFacts): boolean {
    const { texts } = this.#program
    for (let step = 0; step < pipelines.length; step += 1) {
      const made = texts.through(facts, pipelines[step])
      for (let at = 0; at < words.length; at += 1) {
        let left = texts.liveBits(made)[words[at]] & masks[at]
        while (left !== 0) {
          const low = left & -left
          left ^= low
          const index = (words[at] << 5) + 31 - Math.clz32(low)
          if (texts.satisfies(made, texts.predicate(index))) return true
        }
      }
    }
    return false
  }

  /** Gives a group the values that may satisfy it, in the order of its list. */
  #dealOut({ index, targets }: Group): void {
    const candidates = this.#candidates[index]
    candidates.length = 0
    const word = index >> 5
    const bit = 1 << (index & 31)
    const hot = this.#hot
    for (let place = 0; place < targets.parts.length; place += 1) {
      const part = targets.parts[place]
      for (let at = 0; at < hot.length; at += 1) {
        if ((hot.live[at][word] & bit) === 0 || !isOf(hot.sources[at], part)) continue
        const entry = hot.entries[at]
        if (part.isWhole || hot.sources[at].path !== null || isPartValue(part, entry)) {
          candidates.add(entry, place, hot.live[at])
        }
      }
    }
  }

  /** Unites what the values of a group could satisfy; those that turned out to satisfy nothing go. */
  #unite(group: Group): boolean {
    const { texts } = this.#program
    const { pipelines, words, masks, index } = group
    const union = this.#union
    const candidates = this.#candidates[index]
    for (let at = 0; at < words.length; at += 1) union[words[at]] = 0
    let kept = 0
    for (let at = 0; at < candidates.length; at += 1) {
      const facts = candidates.entries[at].facts!
      let live = 0
      for (let step = 0; step < pipelines.length; step += 1) {
        const bits = texts.liveBits(texts.through(facts, pipelines[step]))
        for (let word = 0; word < words.length; word += 1) {
          const masked = bits[words[word]] & masks[word]
          union[words[word]] |= masked
          live |= masked
        }
      }
      if (live === 0) {
        candidates.live[at][index >> 5] &= ~(1 << (index & 31))
        continue
      }
      candidates.move(at, kept)
      kept += 1
    }
    candidates.length = kept
    return kept > 0
  }
}

function isOf({ collection, path }: InterestSource, part: TargetPart): boolean {
  if (collection.id !== part.collection.id) return false
  const { selector } = part
  return path === null
    ? selector.kind !== 'xpath'
    : selector.kind === 'xpath' && selector.path === path.path
}

/** Values with the parts of the list that they belong to. Reused: `length` says how many. */
export class Candidates {
  length = 0
  readonly entries: Entry[] = []
  /** Groups that the value may satisfy. */
  readonly live: number[][] = []
  readonly #parts: number[] = []

  add(entry: Entry, part: number, live: number[]): void {
    this.entries[this.length] = entry
    this.live[this.length] = live
    this.#parts[this.length] = part
    this.length += 1
  }

  move(from: number, to: number): void {
    if (from === to) return
    this.entries[to] = this.entries[from]
    this.live[to] = this.live[from]
    this.#parts[to] = this.#parts[from]
  }

  partOf(at: number): number {
    return this.#parts[at]
  }
}

/** The values of a phase that may satisfy some group. Reused: `length` says how many. */
class HotValues {
  length = 0
  readonly sources: InterestSource[] = []
  readonly entries: Entry[] = []
  readonly live: number[][] = []
  /** All groups that some value may satisfy. */
  readonly groups: Int32Array

  constructor(width: number) {
    this.groups = new Int32Array(width)
  }

  clear(): void {
    this.length = 0
    this.groups.fill(0)
  }

  add(source: InterestSource, entry: Entry, live: number[]): void {
    let any = 0
    for (let word = 0; word < live.length; word += 1) {
      const bits = live[word] & source.groups[word]
      any |= bits
      this.groups[word] |= bits
    }
    if (any === 0) return
    this.sources[this.length] = source
    this.entries[this.length] = entry
    this.live[this.length] = live
    this.length += 1
  }
}
