import type { CompiledRule, PhaseProgram } from '../compile/program.ts'
import { type Collection, valuesOf } from '../transaction/collections.ts'
import type { Transaction } from '../transaction/transaction.ts'
import type { Entry } from '../values/entry.ts'
import { hasRule, type TargetExclusion } from '../values/selector.ts'

/** More values of a variable than these are not compared. */
const MAX_VALUES = 64

/**
 * The rules of a phase that did not match the last time, and depend on nothing that has changed since
 * (`compile/steady-rules.ts`). They need not be run.
 */
export class QuietRules {
  readonly #rules: readonly CompiledRule[]
  readonly #watches: readonly Watch[]
  readonly #steady: PhaseProgram['steady']
  readonly #width: number
  /** A bit per position: it does not match what the watches saw last. */
  readonly #quiet: Int32Array
  readonly #stale: Int32Array
  readonly #losing: Int32Array
  /** A bit per position: the exclusion takes values from the rule. */
  readonly #losingBy = new WeakMap<TargetExclusion, Int32Array>()

  constructor({ rules, steady }: PhaseProgram) {
    this.#rules = rules
    this.#steady = steady
    this.#width = Math.ceil(steady.length / 32)
    this.#quiet = new Int32Array(this.#width)
    this.#stale = new Int32Array(this.#width)
    this.#losing = new Int32Array(this.#width)
    const watches = new Map<number, Watch>()
    for (const [position, rule] of steady.entries()) {
      for (const { collection, nameLower, count } of rule?.inputs ?? []) {
        const watch = watches.get(collection.id) ?? new Watch(collection, this.#width)
        watches.set(collection.id, watch)
        watch.add(position, nameLower, count)
      }
    }
    this.#watches = [...watches.values()]
  }

  /**
   * Looks at what the rules depend on.
   *
   * @returns a bit per position: it does not match; null: nothing is known
   */
  begin(transaction: Transaction): Int32Array | null {
    if (this.#watches.length === 0) return null
    const stale = this.#stale
    stale.fill(0)
    for (let at = 0; at < this.#watches.length; at += 1) {
      const watch = this.#watches[at]
      watch.compare(valuesOf(transaction, watch.collection), stale)
    }
    for (let word = 0; word < this.#width; word += 1) this.#quiet[word] &= ~stale[word]
    return this.#quiet
  }

  /**
   * A rule was run and did not match.
   *
   * @param link the first that did not
   */
  note({ removedTargets }: Transaction, position: number, link: number): void {
    const rule = this.#steady[position]
    if (rule === null || link >= rule.links || link > rule.forgets) return
    // Of other values it may match.
    if (removedTargets !== null) {
      for (let at = 0; at < removedTargets.length; at += 1) {
        if (hasRule(removedTargets[at].rules, this.#rules[position].index)) return
      }
    }
    this.#quiet[position >> 5] |= 1 << (position & 31)
  }

  /**
   * The rules that lose values: of those that are left they may count others.
   *
   * @returns a bit per position, until the next call
   */
  losing(exclusions: readonly TargetExclusion[]): Int32Array {
    this.#losing.fill(0)
    for (let at = 0; at < exclusions.length; at += 1) {
      unite(this.#losingTo(exclusions[at]), this.#losing)
    }
    return this.#losing
  }

  #losingTo(exclusion: TargetExclusion): Int32Array {
    const known = this.#losingBy.get(exclusion)
    if (known !== undefined) return known
    const losing = new Int32Array(this.#width)
    for (const [position, { index }] of this.#rules.entries()) {
      if (hasRule(exclusion.rules, index)) losing[position >> 5] |= 1 << (position & 31)
    }
    this.#losingBy.set(exclusion, losing)
    return losing
  }
}

/** The values that a variable had last, and the rules that depend on them. */
class Watch {
  readonly collection: Collection
  readonly #width: number
  /** Depend on how many values there are, on all of them, or on those of a name. */
  readonly #all: Int32Array
  readonly #ofNames: Int32Array
  readonly #ofValues: Int32Array
  readonly #byName = new Map<string, Int32Array>()
  #hasNames = false
  #hasValues = false
  /** -1: not known. */
  #length = -1
  readonly #names: string[] = []
  readonly #values: string[] = []
  /** Rules that the value of this place concerns; null: none. */
  readonly #concerned: (Int32Array | null)[] = []

  constructor(collection: Collection, width: number) {
    this.collection = collection
    this.#width = width
    this.#all = new Int32Array(width)
    this.#ofNames = new Int32Array(width)
    this.#ofValues = new Int32Array(width)
  }

  /** To be called before the first `compare`. */
  add(position: number, nameLower: string | null, count: boolean): void {
    const word = position >> 5
    const bit = 1 << (position & 31)
    this.#all[word] |= bit
    if (nameLower === null) {
      if (count) return
      this.#hasValues = true
      this.#ofValues[word] |= bit
    }
    this.#hasNames = true
    this.#ofNames[word] |= bit
    if (nameLower === null || count) return
    const rules = this.#byName.get(nameLower) ?? new Int32Array(this.#width)
    this.#byName.set(nameLower, rules)
    rules[word] |= bit
  }

  /** Adds the rules that depend on something that is not as it was; it is from now on. */
  compare(entries: readonly Entry[], stale: Int32Array): void {
    const { length } = entries
    if (length !== this.#length || length > MAX_VALUES) {
      this.#take(entries, stale)
      return
    }
    if (!this.#hasNames) return
    for (let at = 0; at < length; at += 1) {
      if (entries[at].nameLower !== this.#names[at]) {
        this.#take(entries, stale)
        return
      }
    }
    for (let at = 0; at < length; at += 1) {
      const concerned = this.#concerned[at]
      if (concerned === null || entries[at].value === this.#values[at]) continue
      this.#values[at] = entries[at].value
      unite(concerned, stale)
    }
  }

  #take(entries: readonly Entry[], stale: Int32Array): void {
    const { length } = entries
    // Where only names have changed, rules that count all values are concerned no more than by new values.
    unite(length === this.#length ? this.#ofNames : this.#all, stale)
    if (length > MAX_VALUES) {
      this.#length = -1
      return
    }
    this.#length = length
    for (let at = 0; at < length; at += 1) {
      const { nameLower, value } = entries[at]
      const concerned = this.#concernedBy(nameLower)
      this.#names[at] = nameLower
      this.#concerned[at] = concerned
      this.#values[at] = concerned === null ? '' : value
    }
  }

  #concernedBy(nameLower: string): Int32Array | null {
    const named = this.#byName.get(nameLower)
    if (!this.#hasValues) return named ?? null
    if (named === undefined) return this.#ofValues
    return named.map((bits, word) => bits | this.#ofValues[word])
  }
}

function unite(bits: Int32Array, into: Int32Array): void {
  for (let word = 0; word < bits.length; word += 1) into[word] |= bits[word]
}
