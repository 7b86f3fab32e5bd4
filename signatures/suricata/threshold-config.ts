/**
 * `threshold.config`: what holds alerts of rules back without a change of the rules.
 *
 *   line := ( 'threshold' | 'event_filter' ) 'gen_id' N ',' 'sig_id' N ',' 'type' KIND ',' 'track' BY ','
 *             'count' N ',' 'seconds' N
 *         | 'rate_filter' 'gen_id' N ',' 'sig_id' N ',' 'track' BY ',' 'count' N ',' 'seconds' N ','
 *             'new_action' ( 'alert' | 'drop' | 'pass' | 'reject' ) ',' 'timeout' N
 *         | 'suppress' 'gen_id' N ',' 'sig_id' N [ ',' 'track' ( 'by_src' | 'by_dst' | 'by_either' ) ',' 'ip' ADDRESS ]
 *
 * 0 stands for all. `#` begins a comment line; `\` at its end joins a line with the next.
 */
import { type AddressSpec, parseAddress } from './address.ts'
import { integer } from './arguments.ts'
import { RuleFault, type RuleProblem } from './problem.ts'
import type { Action, RuleHead, Threshold, ThresholdTrack } from './rule.ts'

export const MAX_THRESHOLD_LINES = 100_000

interface Scope {
  /** 0: all. */
  readonly gid: number
  readonly sid: number
}

export interface GlobalThreshold extends Scope {
  readonly kind: 'threshold'
  readonly threshold: Threshold
}

export interface Suppression extends Scope {
  readonly kind: 'suppress'
  /** Side whose address is compared; null: all alerts are held back. */
  readonly track: 'by_src' | 'by_dst' | 'by_either' | null
  readonly addresses: AddressSpec
}

/** More than `count` matches in `seconds` give the rule another action for `timeoutSeconds`. */
export interface RateFilter extends Scope {
  readonly kind: 'rate'
  readonly track: ThresholdTrack
  readonly count: number
  readonly seconds: number
  readonly action: Action
  readonly timeoutSeconds: number
}

export interface ThresholdConfig {
  readonly thresholds: readonly GlobalThreshold[]
  readonly rateFilters: readonly RateFilter[]
  readonly suppressions: readonly Suppression[]
  readonly problems: readonly RuleProblem[]
}

export const NO_THRESHOLDS: ThresholdConfig = {
  thresholds: [],
  rateFilters: [],
  suppressions: [],
  problems: [],
}

/** Reads a whole file; a line that cannot be enforced is left out and reported. */
export function parseThresholdConfig(text: string, file: string): ThresholdConfig {
  const thresholds: GlobalThreshold[] = []
  const rateFilters: RateFilter[] = []
  const suppressions: Suppression[] = []
  const problems: RuleProblem[] = []
  let joined = ''
  for (const [index, raw] of text.split(/\r?\n/, MAX_THRESHOLD_LINES).entries()) {
    const line = joined + raw.trim()
    joined = line.endsWith('\\') ? `${line.slice(0, -1)} ` : ''
    if (joined !== '' || line === '' || line.startsWith('#')) continue
    try {
      const entry = readLine(line)
      if (entry.kind === 'threshold') thresholds.push(entry)
      else if (entry.kind === 'rate') rateFilters.push(entry)
      else suppressions.push(entry)
    } catch (error) {
      if (!(error instanceof RuleFault)) throw error
      problems.push({ file, line: index + 1, column: 1, code: error.code, message: error.message })
    }
  }
  return { thresholds, rateFilters, suppressions, problems }
}

/** True when the line speaks of this rule. */
export function concerns(scope: Scope, rule: RuleHead): boolean {
  return (scope.gid === 0 || scope.gid === rule.gid) && (scope.sid === 0 || scope.sid === rule.sid)
}

const ACTIONS: ReadonlySet<string> = new Set(['alert', 'drop', 'pass', 'reject'])
const KINDS: ReadonlySet<string> = new Set(['limit', 'threshold', 'both'])
const TRACKS: ReadonlySet<string> = new Set(['by_src', 'by_dst', 'by_both', 'by_rule', 'by_flow'])

/** @throws RuleFault */
function readLine(line: string): GlobalThreshold | RateFilter | Suppression {
  const form = /^(\w+)\s+([^]*)$/.exec(line)
  if (form === null) throw new RuleFault('syntax', 'a line is a word and its settings')
  const settings = new Map<string, string>()
  for (const part of splitSettings(form[2])) {
    const setting = /^(\w+)\s+([^]+)$/.exec(part)
    if (setting === null) throw new RuleFault('syntax', `"${part}" is no setting`)
    settings.set(setting[1], setting[2].trim())
  }
  const number = (name: string, max: number): number => {
    const value = settings.get(name)
    if (value === undefined) throw new RuleFault('bad-argument', `${name} is missing`)
    return integer(value, 0, max)
  }
  const scope = { gid: number('gen_id', 0xffff_ffff), sid: number('sig_id', 0xffff_ffff) }
  switch (form[1]) {
    case 'threshold':
    case 'event_filter':
      return {
        kind: 'threshold',
        ...scope,
        threshold: {
          kind: chosen(settings, 'type', KINDS) as Threshold['kind'],
          track: chosen(settings, 'track', TRACKS) as ThresholdTrack,
          count: number('count', 0xffff_ffff),
          seconds: number('seconds', 0xffff_ffff),
        },
      }
    case 'rate_filter':
      return {
        kind: 'rate',
        ...scope,
        track: chosen(settings, 'track', TRACKS) as ThresholdTrack,
        count: number('count', 0xffff_ffff),
        seconds: number('seconds', 0xffff_ffff),
        action: chosen(settings, 'new_action', ACTIONS) as Action,
        timeoutSeconds: number('timeout', 0xffff_ffff),
      }
    case 'suppress': {
      const track = settings.get('track')
      if (track === undefined)
        return { kind: 'suppress', ...scope, track: null, addresses: { kind: 'any' } }
      if (track !== 'by_src' && track !== 'by_dst' && track !== 'by_either')
        throw new RuleFault('bad-argument', `suppress does not track "${track}"`)
      const addresses = parseAddress(settings.get('ip') ?? '')
      return { kind: 'suppress', ...scope, track, addresses }
    }
    default:
      throw new RuleFault('unsupported-keyword', `${form[1]} is not enforced`)
  }
}

/** Commas within brackets belong to an address list. */
function splitSettings(text: string): string[] {
  return text
    .split(/,(?![^[\]]*\])/)
    .map((part) => part.trim())
    .filter((part) => part !== '')
}

function chosen(
  settings: ReadonlyMap<string, string>,
  name: string,
  allowed: ReadonlySet<string>,
): string {
  const value = settings.get(name) ?? ''
  if (!allowed.has(value)) throw new RuleFault('bad-argument', `${name} cannot be "${value}"`)
  return value
}
