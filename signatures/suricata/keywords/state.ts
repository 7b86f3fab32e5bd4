import { commaList, integer, keyedList, operand, variable } from '../arguments.ts'
import type { RuleBuilder } from '../builder.ts'
import { RuleFault } from '../problem.ts'
import type { FlowCheck, XbitTrack } from '../checks.ts'
import type { Effect, Threshold, ThresholdTrack } from '../rule.ts'
import { type Keyword, keyword } from './keyword.ts'

/** Longest life of an xbit and longest interval of a threshold, in seconds. */
export const MAX_SECONDS = 31_536_000
export const DEFAULT_XBIT_SECONDS = 30
const MAX_COUNT = 0xffff_ffff

/** Keywords that keep something across packets and flows. */
export const STATE_KEYWORDS: readonly Keyword[] = [
  keyword(
    'flowbits',
    'state',
    'Named bits of the connection',
    { grammar: 'set|unset|toggle|isset|isnotset|noalert[,NAME[|NAME…]]' },
    flowbits,
  ),
  keyword(
    'xbits',
    'state',
    'Named bits of a host or pair of hosts',
    {
      grammar: 'set|unset|toggle|isset|isnotset,NAME,track ip_src|ip_dst|ip_pair[,expire SECONDS]',
    },
    xbits,
  ),
  keyword(
    'hostbits',
    'state',
    'Named bits of a host',
    { grammar: 'set|unset|toggle|isset|isnotset,NAME[,src|dst]' },
    hostbits,
  ),
  keyword(
    'flowint',
    'state',
    'Named numbers of the connection',
    { grammar: 'NAME,OPERATION[,VALUE]' },
    flowint,
  ),
  keyword(
    'threshold',
    'state',
    'Bounds the alerts in time',
    {
      grammar:
        'type limit|threshold|both|backoff, track by_src|by_dst|by_rule|by_both|by_flow, count N, seconds N|multiplier N',
      repeatable: false,
    },
    (builder, argument) => {
      setThreshold(builder, argument, null)
    },
  ),
  keyword(
    'detection_filter',
    'state',
    'Matches only above a rate',
    {
      grammar:
        'track by_src|by_dst|by_rule|by_both|by_flow, count N, seconds N[, unique_on src_port|dst_port]',
      repeatable: false,
    },
    (builder, argument) => {
      setThreshold(builder, argument, 'detection')
    },
  ),
  keyword(
    'tag',
    'state',
    'Records what follows the alert',
    { grammar: 'session|host[,COUNT,packets|seconds|bytes[,src|dst]]' },
    tag,
  ),
]

function bitNames(text: string): string[] {
  const names = text.split('|').map((name) => name.trim())
  for (const name of names)
    if (name === '' || /\s/.test(name))
      throw new RuleFault('bad-argument', `"${name}" is not a name for a bit`)
  return names
}

function flowbits(builder: RuleBuilder, argument: string): void {
  const items = commaList(argument)
  const operation = items[0]
  if (operation === 'noalert') {
    if (items.length > 1) throw new RuleFault('bad-argument', 'flowbits:noalert takes no name')
    builder.meta.noAlert = true
    return
  }
  if (items.length !== 2)
    throw new RuleFault('bad-argument', `flowbits:${operation} takes one name`)
  const names = bitNames(items[1])
  switch (operation) {
    case 'isset':
    case 'isnotset':
      builder.flowChecks.push({ kind: 'flowbits', operation, names })
      return
    case 'set':
    case 'unset':
    case 'toggle':
      if (names.length > 1)
        throw new RuleFault('bad-argument', `flowbits:${operation} takes one name`)
      builder.effects.push({ kind: 'flowbits', operation, names })
      return
    default:
      throw new RuleFault('bad-argument', `flowbits has no operation "${operation}"`)
  }
}

function addBit(
  builder: RuleBuilder,
  keywordName: string,
  operation: string,
  name: string,
  track: XbitTrack,
  expireSeconds: number,
): void {
  const [bit = ''] = bitNames(name)
  if (operation === 'isset' || operation === 'isnotset') {
    const check: FlowCheck = { kind: 'xbits', operation, name: bit, track }
    builder.flowChecks.push(check)
  } else if (operation === 'set' || operation === 'unset' || operation === 'toggle') {
    const effect: Effect = { kind: 'xbits', operation, name: bit, track, expireSeconds }
    builder.effects.push(effect)
  } else throw new RuleFault('bad-argument', `${keywordName} has no operation "${operation}"`)
}

function xbits(builder: RuleBuilder, argument: string): void {
  const [operation = '', name, ...rest] = commaList(argument)
  if (operation === 'noalert' && name === undefined) {
    builder.meta.noAlert = true
    return
  }
  if (name === undefined) throw new RuleFault('bad-argument', `xbits:${operation} takes a name`)
  const parts = rest.length === 0 ? new Map<string, string>() : keyedList(rest.join(','))
  for (const key of parts.keys())
    if (key !== 'track' && key !== 'expire')
      throw new RuleFault('bad-argument', `xbits has no option "${key}"`)
  const track = parts.get('track') ?? ''
  if (track !== 'ip_src' && track !== 'ip_dst' && track !== 'ip_pair')
    throw new RuleFault('bad-argument', 'xbits tracks ip_src, ip_dst or ip_pair')
  const expire = parts.get('expire')
  const seconds = expire === undefined ? DEFAULT_XBIT_SECONDS : integer(expire, 1, MAX_SECONDS)
  addBit(builder, 'xbits', operation, name, track, seconds)
}

function hostbits(builder: RuleBuilder, argument: string): void {
  const [operation = '', name, side = 'src'] = commaList(argument)
  if (operation === 'noalert' && name === undefined) {
    builder.meta.noAlert = true
    return
  }
  if (name === undefined) throw new RuleFault('bad-argument', `hostbits:${operation} takes a name`)
  if (side !== 'src' && side !== 'dst')
    throw new RuleFault('bad-argument', 'hostbits tracks src or dst')
  addBit(
    builder,
    'hostbits',
    operation,
    name,
    side === 'src' ? 'ip_src' : 'ip_dst',
    DEFAULT_XBIT_SECONDS,
  )
}

function flowint(builder: RuleBuilder, argument: string): void {
  const items = commaList(argument)
  const name = variable(items[0])
  const operation = items[1] ?? ''
  const value = (): number | string => {
    if (items.length !== 3)
      throw new RuleFault('bad-argument', `flowint ${operation} takes a value`)
    return operand(items[2], 0, MAX_COUNT)
  }
  switch (operation) {
    case 'isset':
    case 'notset':
    case 'isnotset':
      builder.flowChecks.push({
        kind: 'flowint',
        name,
        comparison: operation === 'isset' ? 'isset' : 'notset',
        value: 0,
      })
      return
    case '=':
    case '+':
    case '-':
      builder.effects.push({ kind: 'flowint', name, operation, value: value() })
      return
    case '==':
      builder.flowChecks.push({ kind: 'flowint', name, comparison: '=', value: value() })
      return
    case '<':
    case '>':
    case '<=':
    case '>=':
    case '!=':
      builder.flowChecks.push({ kind: 'flowint', name, comparison: operation, value: value() })
      return
    default:
      throw new RuleFault('bad-argument', `flowint has no operation "${operation}"`)
  }
}

const TRACKS = new Set<string>(['by_src', 'by_dst', 'by_rule', 'by_both', 'by_flow'])

const THRESHOLD_OPTIONS = new Set(['type', 'track', 'count', 'seconds', 'multiplier'])
const FILTER_OPTIONS = new Set(['track', 'count', 'seconds', 'unique_on'])

function setThreshold(builder: RuleBuilder, argument: string, fixed: 'detection' | null): void {
  if (builder.threshold !== null)
    throw new RuleFault('conflict', 'threshold and detection_filter exclude each other')
  const parts = keyedList(argument)
  const name = fixed === null ? 'threshold' : 'detection_filter'
  for (const key of parts.keys())
    if (!(fixed === null ? THRESHOLD_OPTIONS : FILTER_OPTIONS).has(key))
      throw new RuleFault('bad-argument', `${name} has no option "${key}"`)
  const part = (key: string): string => {
    const value = parts.get(key)
    if (value === undefined) throw new RuleFault('bad-argument', `${name} needs ${key}`)
    return value
  }
  const kind: string = fixed ?? part('type')
  if (!isThresholdKind(kind))
    throw new RuleFault('bad-argument', `"${kind}" is not a type of threshold`)
  const track = part('track')
  if (!TRACKS.has(track)) throw new RuleFault('bad-argument', `${name} cannot track "${track}"`)
  const count = integer(part('count'), 1, MAX_COUNT)
  if (kind === 'backoff') {
    if (track !== 'by_flow' || parts.has('seconds'))
      throw new RuleFault('bad-argument', 'a backoff is by_flow and without seconds')
    const multiplier = integer(part('multiplier'), 1, MAX_COUNT)
    builder.threshold = { kind, track, count, seconds: Number.POSITIVE_INFINITY, multiplier }
    return
  }
  if (parts.has('multiplier'))
    throw new RuleFault('bad-argument', `only a backoff has a multiplier`)
  const uniqueOn = parts.get('unique_on')
  if (uniqueOn !== undefined && uniqueOn !== 'src_port' && uniqueOn !== 'dst_port')
    throw new RuleFault('bad-argument', `${name} cannot be unique on "${uniqueOn}"`)
  builder.threshold = {
    kind,
    track: track as ThresholdTrack,
    count,
    seconds: integer(part('seconds'), 1, MAX_SECONDS),
    ...(uniqueOn === undefined ? {} : { uniqueOn }),
  }
}

function isThresholdKind(kind: string): kind is Threshold['kind'] {
  return (
    kind === 'limit' ||
    kind === 'threshold' ||
    kind === 'both' ||
    kind === 'detection' ||
    kind === 'backoff'
  )
}

/** Recording after an alert is the record writer's matter; the matching of the rule is unaffected. */
function tag(_builder: RuleBuilder, argument: string): void {
  const [kind = '', count, metric = 'packets', side] = commaList(argument)
  if (kind !== 'session' && kind !== 'host')
    throw new RuleFault('bad-argument', 'tag is for session or host')
  if (count !== undefined) integer(count, 0, MAX_COUNT)
  if (!['packets', 'seconds', 'bytes'].includes(metric))
    throw new RuleFault('bad-argument', `tag has no unit "${metric}"`)
  if (side !== undefined && side !== 'src' && side !== 'dst')
    throw new RuleFault('bad-argument', 'tag is for src or dst')
}
