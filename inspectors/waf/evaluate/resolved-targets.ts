import type { CompiledSelector, TargetExclusion, TargetList } from '../compile/program.ts'
import { hasRule } from '../compile/program.ts'
import { xmlValues } from '../body/xml-path.ts'
import { type Collection, valuesOf } from '../transaction/collections.ts'
import type { Transaction } from '../transaction/transaction.ts'
import { Entry } from '../values/entry.ts'

/** The values a rule looks at, with the variable each belongs to. Reused: `length` says how many. */
export class ResolvedTargets {
  readonly entries: Entry[] = []
  readonly collections: Collection[] = []
  /** `&NAME`: the entry holds the count. */
  readonly counts: boolean[] = []
  length = 0

  add(collection: Collection, entry: Entry, isCount: boolean): void {
    this.entries[this.length] = entry
    this.collections[this.length] = collection
    this.counts[this.length] = isCount
    this.length += 1
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
  into.length = 0
  const exclusions = ruleIndex < 0 ? null : transaction.removedTargets
  const { parts } = targets
  for (let index = 0; index < parts.length; index += 1) {
    const part = parts[index]
    const { collection, selector } = part
    const start = into.length
    if (part.txSlot >= 0) {
      const value = transaction.tx.slots[part.txSlot]
      if (value !== undefined) {
        const name = selector.kind === 'name' ? selector.nameLower : ''
        into.add(collection, new Entry(name, value), false)
      }
    } else if (selector.kind === 'xpath') {
      if (transaction.xml !== null) {
        for (const value of xmlPathValues(transaction, selector)) {
          into.add(collection, value, false)
        }
      }
    } else {
      const values = valuesOf(transaction, collection)
      for (let at = 0; at < values.length; at += 1) {
        const entry = values[at]
        if (selector.kind === 'name' && entry.nameLower !== selector.nameLower) continue
        if (selector.kind === 'regex' && !selector.pattern.test(entry.name)) continue
        if (part.exclusions.length > 0 && isSelected(part.exclusions, entry)) continue
        into.add(collection, entry, false)
      }
    }
    if (exclusions !== null) exclude(into, start, ruleIndex, exclusions, selector)
    if (part.count) {
      const count = into.length - start
      into.length = start
      into.add(collection, new Entry(nameOf(selector), String(count)), true)
    }
  }
}

function exclude(
  into: ResolvedTargets,
  start: number,
  ruleIndex: number,
  exclusions: readonly TargetExclusion[],
  selector: CompiledSelector,
): void {
  let kept = start
  for (let at = start; at < into.length; at += 1) {
    const entry = into.entries[at]
    const collection = into.collections[at]
    if (isExcluded(exclusions, ruleIndex, collection, entry, selector)) continue
    into.entries[kept] = entry
    into.collections[kept] = collection
    kept += 1
  }
  into.length = kept
}

function isExcluded(
  exclusions: readonly TargetExclusion[],
  ruleIndex: number,
  collection: Collection,
  entry: Entry,
  selector: CompiledSelector,
): boolean {
  for (const exclusion of exclusions) {
    if (!hasRule(exclusion.rules, ruleIndex)) continue
    for (const target of exclusion.targets) {
      if (target.collection.name !== collection.name) continue
      if (target.selector.kind === 'xpath') {
        if (selector.kind === 'xpath' && selector.path === target.selector.path) return true
      } else if (matchesSelector(target.selector, entry)) return true
    }
  }
  return false
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
function xmlPathValues(
  transaction: Transaction,
  selector: Extract<CompiledSelector, { kind: 'xpath' }>,
): readonly Entry[] {
  const known = transaction.xmlValues.get(selector.path)
  if (known !== undefined) return known
  const values = xmlValues(transaction.xml!, selector.steps)
  const entries = values.map((value) => new Entry(selector.path, value))
  transaction.xmlValues.set(selector.path, entries)
  return entries
}

/** Name of a variable as ModSecurity writes it: `ARGS:id`, `&ARGS`, `TX:score`. */
export function variableName(collection: Collection, entry: Entry, isCount: boolean): string {
  // The entries of these collections are named after whole variables.
  if (collection.name.startsWith('MATCHED_VARS')) return entry.name
  const name = entry.name === '' ? collection.name : `${collection.name}:${entry.name}`
  return isCount ? `&${name}` : name
}
