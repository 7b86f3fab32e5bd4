import { RuleFault } from '#signatures/suricata/problem.ts'
import type { DatasetSource, DatasetType } from '#signatures/suricata/buffer-match.ts'
import { Dataset, type SetEntry, valueBytes } from '../state/dataset.ts'

/** Deepest key that leads to a value or a list in a JSON file. */
const MAX_KEY_DEPTH = 16

/**
 * Makes a set and fills it from the text of its file.
 *
 * @param text latin1; empty: there is no file
 * @throws RuleFault when the file is no such file, or holds more than the set may
 */
export function fillSet(source: DatasetSource, type: DatasetType, text: string): Dataset {
  const set = new Dataset(type, source.maxBytes, source.isSubdomain)
  if (source.format === 'csv') fillFromLines(set, type, text)
  else {
    const utf8 = Buffer.from(text, 'latin1').toString('utf8')
    for (const item of source.format === 'json' ? arrayOf(utf8, source) : objectsOf(utf8))
      addObject(set, type, item, source)
  }
  return set
}

/** One value in a line, for reputations a number behind a comma. */
function fillFromLines(set: Dataset, type: DatasetType, text: string): void {
  let number = 0
  for (const line of text.split('\n')) {
    number += 1
    const trimmed = line.trim()
    if (trimmed === '' || trimmed.startsWith('#')) continue
    const comma = trimmed.indexOf(',')
    const value = valueBytes(type, comma < 0 ? trimmed : trimmed.slice(0, comma).trim(), false)
    const reputation = comma < 0 ? 0 : Number(trimmed.slice(comma + 1))
    if (value === null || !Number.isInteger(reputation) || reputation < 0 || reputation > 65_535)
      throw new RuleFault('missing-data', `line ${number} of the set is no ${type}`)
    add(set, value, { reputation, context: null })
  }
}

function arrayOf(text: string, source: DatasetSource): readonly unknown[] {
  const whole = text.trim() === '' ? [] : parsed(text)
  const found = source.arrayKey === '' ? whole : valueAt(whole, source.arrayKey)
  if (!Array.isArray(found))
    throw new RuleFault('missing-data', `there is no list at "${source.arrayKey}" of the set`)
  return found as readonly unknown[]
}

function objectsOf(text: string): unknown[] {
  return text
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map(parsed)
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch {
    throw new RuleFault('missing-data', 'the file of the set is not JSON')
  }
}

function addObject(set: Dataset, type: DatasetType, item: unknown, source: DatasetSource): void {
  const text = valueAt(item, source.valueKey)
  const value = typeof text === 'string' ? valueBytes(type, text, true) : null
  if (value === null)
    throw new RuleFault('missing-data', `"${source.valueKey}" of an entry of the set is no ${type}`)
  // The first entry of a value counts.
  if (set.find(value) !== null && !source.isSubdomain) return
  const context = source.removesKey ? without(item, source.valueKey.split('.')) : item
  add(set, value, { reputation: 0, context: context as Readonly<Record<string, unknown>> })
}

function add(set: Dataset, value: string, entry: SetEntry): void {
  if (!set.add(value, entry)) throw new RuleFault('limit', 'the file holds more than the set may')
}

/** Value at a dotted path; undefined where it leads nowhere. */
function valueAt(value: unknown, path: string): unknown {
  let at = value
  for (const key of path.split('.').slice(0, MAX_KEY_DEPTH)) {
    if (typeof at !== 'object' || at === null || !Object.hasOwn(at, key)) return undefined
    at = (at as Readonly<Record<string, unknown>>)[key]
  }
  return at
}

function without(value: unknown, path: readonly string[]): unknown {
  if (typeof value !== 'object' || value === null) return value
  const [key, ...rest] = path
  const entries = Object.entries(value).flatMap(([name, each]): [string, unknown][] => {
    if (name !== key) return [[name, each]]
    return rest.length === 0 ? [] : [[name, without(each, rest)]]
  })
  return Object.fromEntries(entries)
}
