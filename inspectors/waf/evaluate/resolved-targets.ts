import type { TargetList, TargetPart } from '../compile/program.ts'
import { type CompiledSelector, hasRule, type TargetExclusion } from '../values/selector.ts'
import { xmlValues } from '../body/xml-path.ts'
import { type Collection, valuesOf } from '../transaction/collections.ts'
import type { Transaction } from '../transaction/transaction.ts'
import { Entry, NO_ENTRIES } from '../values/entry.ts'

/** The values a rule looks at, in the order of its list. Reused: `length` says how many. */
export class ResolvedTargets {
  /** May be a collection's own array: read only. */
  entries: readonly Entry[] = []
  length = 0
  readonly #own: Entry[] = []
  /** Per part of the list: offset after its last value. */
  readonly #ends: number[] = []

  start(): void {
    this.length = 0
    this.entries = this.#own
  }

  add(entry: Entry): void {
    this.#own[this.length] = entry
    this.length += 1
  }

  /** Ends a part. */
  end(part: number): void {
    this.#ends[part] = this.length
  }

  /** Takes all values of a list's only part as they are. */
  alias(entries: readonly Entry[]): void {
    this.entries = entries
    this.length = entries.length
    this.#ends[0] = this.length
  }

  /** Part of the list that a value belongs to. */
  partOf(at: number): number {
    let part = 0
    while (this.#ends[part] <= at) part += 1
    return part
  }

  replace(at: number, entry: Entry): void {
    this.#own[at] = entry
  }
}

/**
 * Fills `into` with the values of a list of variables, in the order of the list.
 *
 * @param ruleIndex rule whose `ctl:ruleRemoveTarget*` exclusions count; -1: none do
 */
export function resolveTargets(
  transaction: Transaction,
  targets: TargetList,
  into: ResolvedTargets,
  ruleIndex: number,
): void {
  const exclusions = ruleIndex < 0 ? null : transaction.removedTargets
  const { parts } = targets
  if (parts.length === 1 && exclusions === null && parts[0].isWhole) {
    into.alias(valuesOf(transaction, parts[0].collection))
    return
  }
  into.start()
  for (let index = 0; index < parts.length; index += 1) {
    const part = parts[index]
    const { collection, selector } = part
    const start = into.length
    if (part.txSlot >= 0) {
      const value = transaction.tx.slots[part.txSlot]
      if (value !== undefined) {
        const name = nameOf(selector)
        into.add(new Entry(name, value, name))
      }
    } else if (selector.kind === 'xpath') {
      for (const value of xmlPathValues(transaction, selector)) into.add(value)
    } else {
      const values =
        part.txSlots === null
          ? valuesOf(transaction, collection)
          : transaction.tx.entriesOf(part.txSlots)
      for (let at = 0; at < values.length; at += 1) {
        const entry = values[at]
        if (isPartValue(part, entry)) into.add(entry)
      }
    }
    if (exclusions !== null) exclude(into, start, ruleIndex, exclusions, part)
    if (part.count) {
      const count = into.length - start
      into.length = start
      const name = nameOf(selector)
      into.add(new Entry(name, String(count), name))
    }
    into.end(index)
  }
}

/** The value of a list that `isSingle`. */
export function singleValue(transaction: Transaction, part: TargetPart): string | undefined {
  const { collection, selector, count, txSlot } = part
  if (txSlot >= 0) {
    const value = transaction.tx.slots[txSlot]
    return count ? (value === undefined ? '0' : '1') : value
  }
  const entries = valuesOf(transaction, collection)
  if (selector.kind !== 'name') return String(entries.length)
  let found = 0
  for (let at = 0; at < entries.length; at += 1) {
    if (entries[at].nameLower === selector.nameLower) found += 1
  }
  return String(found)
}

function exclude(
  into: ResolvedTargets,
  start: number,
  ruleIndex: number,
  exclusions: readonly TargetExclusion[],
  part: TargetPart,
): void {
  let kept = start
  for (let at = start; at < into.length; at += 1) {
    const entry = into.entries[at]
    if (isExcluded(exclusions, ruleIndex, part.collection, entry, part.selector)) continue
    into.replace(kept, entry)
    kept += 1
  }
  into.length = kept
}

/** True when `ctl:ruleRemoveTarget*` takes something from the rule. */
export function losesTargets(exclusions: readonly TargetExclusion[], ruleIndex: number): boolean {
  for (let at = 0; at < exclusions.length; at += 1) {
    if (hasRule(exclusions[at].rules, ruleIndex)) return true
  }
  return false
}

export function isExcluded(
  exclusions: readonly TargetExclusion[],
  ruleIndex: number,
  collection: Collection,
  entry: Entry,
  selector: CompiledSelector,
): boolean {
  for (const exclusion of exclusions) {
    if (!hasRule(exclusion.rules, ruleIndex)) continue
    for (const target of exclusion.targets) {
      if (target.collection !== collection.name) continue
      if (target.selector.kind === 'xpath') {
        if (selector.kind === 'xpath' && selector.path === target.selector.path) return true
      } else if (matchesSelector(target.selector, entry)) return true
    }
  }
  return false
}

/** True when an entry of the part's collection is one of its values. */
export function isPartValue(part: TargetPart, entry: Entry): boolean {
  const { selector, exclusions } = part
  if (selector.kind === 'name' && entry.nameLower !== selector.nameLower) return false
  if (selector.kind === 'regex' && !selector.pattern.test(entry.name)) return false
  return exclusions.length === 0 || !isSelected(exclusions, entry)
}

function isSelected(selectors: readonly CompiledSelector[], entry: Entry): boolean {
  for (let index = 0; index < selectors.length; index += 1) {
    if (matchesSelector(selectors[index], entry)) return true
  }
  return false
}

function matchesSelector(selector: CompiledSelector, entry: Entry): boolean {
  switch (selector.kind) {
    case 'all':
      return true
    case 'name':
      return entry.nameLower === selector.nameLower
    case 'regex':
      return selector.pattern.test(entry.name)
    case 'xpath':
      return false
  }
}

function nameOf(selector: CompiledSelector): string {
  return selector.kind === 'name' ? selector.nameLower : ''
}

/** Values of a path are found once per transaction; the rules of CRS ask for two paths 350 times. */
export function xmlPathValues(
  transaction: Transaction,
  selector: Extract<CompiledSelector, { kind: 'xpath' }>,
): readonly Entry[] {
  if (transaction.xml === null) return NO_ENTRIES
  const known = transaction.xmlValues?.get(selector.path)
  if (known !== undefined) return known
  const values = xmlValues(transaction.xml, selector.steps)
  const entries = values.map((value) => new Entry(selector.path, value))
  transaction.xmlValues ??= new Map()
  transaction.xmlValues.set(selector.path, entries)
  return entries
}
