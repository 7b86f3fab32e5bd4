/**
 *   dataset := ('set' | 'unset' | 'isset' | 'isnotset') ',' NAME (',' option)*
 *   datarep := NAME ',' ('>' | '<' | '=' | '==') ',' N (',' option)*
 *   option  := 'type' TYPE | 'load' FILE | 'state' FILE | 'save' FILE | 'memcap' SIZE | 'hashsize' N | 'format' FORMAT
 *            | 'value_key' PATH | 'array_key' PATH | 'context_key' NAME | 'remove_key' | 'match' ('exact' | 'subdomain')
 *
 * @see Suricata User Guide, Rules, Datasets
 */
import { commaList, integer, keyedList } from '../arguments.ts'
import type { RuleBuilder } from '../builder.ts'
import { dataFileName } from '../data-file.ts'
import { numberRange } from '../number-range.ts'
import { RuleFault } from '../problem.ts'
import type { DatasetMatch, DatasetSource, DatasetType } from '../buffer-match.ts'
import { type Keyword, keyword } from './keyword.ts'

/** Longest name of a set. */
export const MAX_SET_NAME = 63
/** What a set may hold in memory, where the rule does not say and at most. */
export const DEFAULT_SET_BYTES = 67_108_864
export const MAX_SET_BYTES = 1_073_741_824

const TYPES = new Set<string>(['string', 'md5', 'sha256', 'ipv4', 'ip'])
const OPTIONS = new Set([
  'type',
  'load',
  'state',
  'save',
  'memcap',
  'hashsize',
  'format',
  'value_key',
  'array_key',
  'context_key',
  'remove_key',
  'match',
])

export const DATASET_KEYWORDS: readonly Keyword[] = [
  keyword(
    'dataset',
    'match',
    'The buffer is in a set, or is put there',
    { grammar: 'set|unset|isset|isnotset,NAME[,type TYPE][,load FILE]…' },
    dataset,
  ),
  keyword(
    'datarep',
    'match',
    'The buffer has a reputation in a list',
    { grammar: 'NAME,>|<|=,N[,type TYPE][,load FILE]…' },
    datarep,
  ),
]

function dataset(builder: RuleBuilder, argument: string): void {
  const [operation = '', name = '', ...rest] = commaList(argument)
  if (
    operation !== 'set' &&
    operation !== 'unset' &&
    operation !== 'isset' &&
    operation !== 'isnotset'
  )
    throw new RuleFault('bad-argument', `dataset has no operation "${operation}"`)
  add(builder, { kind: 'dataset', operation, ...source('dataset', name, rest) })
}

function datarep(builder: RuleBuilder, argument: string): void {
  const [name = '', sign = '', value, ...rest] = commaList(argument)
  const comparison = sign === '==' ? '=' : sign
  if ((comparison !== '>' && comparison !== '<' && comparison !== '=') || value === undefined)
    throw new RuleFault('bad-argument', 'datarep takes NAME, > or < or =, N')
  add(builder, {
    kind: 'datarep',
    comparison,
    value: integer(value, 0, 65_535),
    ...source('datarep', name, rest),
  })
}

function add(builder: RuleBuilder, match: DatasetMatch): void {
  if (!builder.hasOpenBuffer())
    throw new RuleFault('misplaced-modifier', `${match.kind} needs a sticky buffer before it`)
  builder.add(match, false)
}

function source(keywordName: string, name: string, rest: readonly string[]): DatasetSource {
  if (!/^[^\s]+$/.test(name) || name.length > MAX_SET_NAME)
    throw new RuleFault('bad-argument', `"${name}" is not a name for a set`)
  const parts = rest.length === 0 ? new Map<string, string>() : keyedList(rest.join(','))
  for (const key of parts.keys())
    if (!OPTIONS.has(key))
      throw new RuleFault('bad-argument', `${keywordName} has no option "${key}"`)
  const type = parts.get('type') ?? null
  if (type !== null && !TYPES.has(type))
    throw new RuleFault('bad-argument', `"${type}" is not a type of a set`)
  const load = parts.get('load')
  const state = parts.get('state')
  if (state !== undefined && (load !== undefined || parts.has('save')))
    throw new RuleFault('conflict', 'state excludes load and save')
  // What is saved is not read back: it is the set as it stood at another time.
  if (parts.has('save')) dataFileName(parts.get('save')!)
  const format = parts.get('format') ?? 'csv'
  if (format !== 'csv' && format !== 'json' && format !== 'ndjson' && format !== 'jsonline')
    throw new RuleFault('bad-argument', `"${format}" is not a format of a set`)
  const matching = parts.get('match') ?? 'exact'
  if (matching !== 'exact' && (matching !== 'subdomain' || (type !== null && type !== 'string')))
    throw new RuleFault('bad-argument', `a set cannot match ${matching}`)
  if (parts.has('hashsize')) numberRange(parts.get('hashsize')!, 0xffff_ffff)
  if (format !== 'csv' && !parts.has('value_key'))
    throw new RuleFault('bad-argument', `format ${format} needs value_key`)
  return {
    name,
    type: type as DatasetType | null,
    file:
      load !== undefined ? dataFileName(load) : state !== undefined ? dataFileName(state) : null,
    isState: state !== undefined,
    format: format === 'jsonline' ? 'ndjson' : format,
    valueKey: parts.get('value_key') ?? '',
    arrayKey: parts.get('array_key') ?? '',
    contextKey: parts.get('context_key') ?? (format === 'csv' ? null : name),
    removesKey: parts.has('remove_key'),
    isSubdomain: matching === 'subdomain',
    maxBytes: parts.has('memcap')
      ? numberRange(parts.get('memcap')!, MAX_SET_BYTES).min
      : DEFAULT_SET_BYTES,
  }
}
