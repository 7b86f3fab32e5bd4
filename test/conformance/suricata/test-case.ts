import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { ReplaySettings } from '#inspectors/ids/configuration/replay-settings.ts'
import { parse } from 'yaml'
import { type EventFilter, eventFilter } from './event-match.ts'
import { settingsOf } from './test-settings.ts'

/** One entry of suricata-verify's `index.json`: where a test's capture and rules are. */
export interface IndexEntry {
  readonly name: string
  readonly tier: number
  readonly pcap: string
  readonly rules: string
  readonly args: readonly string[]
  readonly ips: boolean
}

/** Events that a test wants: so many that match. */
export interface EventCheck {
  readonly count: number
  readonly filter: EventFilter
  /** As written, for the report. */
  readonly text: string
}

export interface StatsCheck {
  readonly path: string
  readonly value: unknown
}

export interface TestCase {
  readonly entry: IndexEntry
  readonly checks: readonly EventCheck[]
  readonly stats: readonly StatsCheck[]
  readonly settings: ReplaySettings
}

/** `unevaluated`: the test asks for something that is not judged here, and what. */
export type TestCaseResult =
  | { readonly kind: 'case'; readonly test: TestCase }
  | { readonly kind: 'unevaluated'; readonly reason: string }

/** The major version that is followed. */
const VERSION = 9

/** Event types that a replay writes. */
const EVENT_TYPES: ReadonlySet<string> = new Set([
  'alert',
  'http',
  'dns',
  'tls',
  'flow',
  'fileinfo',
  'drop',
  'stats',
])

type Requirements = Readonly<Record<string, unknown>>

interface TestYaml {
  readonly requires?: Requirements
  readonly command?: unknown
  readonly env?: Readonly<Record<string, unknown>>
  readonly 'exit-code'?: unknown
  readonly checks?: readonly {
    readonly filter?: {
      readonly count?: unknown
      readonly requires?: Requirements
      readonly filename?: string
      readonly match?: Readonly<Record<string, unknown>>
    }
    readonly stats?: Readonly<Record<string, unknown>>
  }[]
}

/** Reads `test.yaml`; checks that are not judged are left out, and a test without others is too. */
export function readTestCase(root: string, entry: IndexEntry): TestCaseResult {
  const yaml = parse(readFileSync(join(root, 'tests', entry.name, 'test.yaml'), 'utf8')) as TestYaml
  if (yaml.command !== undefined) return unevaluated('command of its own')
  if (yaml['exit-code'] !== undefined) return unevaluated('exit code')
  const requirement = unmet(yaml.requires)
  if (requirement !== null) return unevaluated(`requires ${requirement}`)
  const settings = settingsOf(root, entry, yaml)
  if (typeof settings === 'string') return unevaluated(settings)
  const checks: EventCheck[] = []
  const stats: StatsCheck[] = []
  for (const { filter, stats: wanted } of yaml.checks ?? []) {
    if (wanted !== undefined)
      stats.push(...Object.entries(wanted).map(([path, value]) => ({ path, value })))
    if (filter?.match === undefined || unmet(filter.requires) !== null) continue
    if (filter.filename !== undefined && filter.filename !== 'eve.json') continue
    const type = filter.match.event_type
    if (typeof type === 'string' && !EVENT_TYPES.has(type)) continue
    if (typeof filter.count !== 'number') return unevaluated('check without count')
    checks.push({
      count: filter.count,
      filter: eventFilter(filter.match),
      text: JSON.stringify(filter.match),
    })
  }
  if (checks.length === 0 && stats.length === 0) return unevaluated('no check that is judged')
  return { kind: 'case', test: { entry, checks, stats, settings } }
}

/** What is required and not there; null: nothing. */
function unmet(requires: Requirements | undefined): string | null {
  if (requires === undefined) return null
  const below = requires['lt-version']
  if (below !== undefined && numberOf(below) <= VERSION) return 'an older version'
  const least = requires['min-version']
  if (least !== undefined && numberOf(least) >= VERSION + 1) return 'a later version'
  const features = requires.features
  if (Array.isArray(features))
    for (const feature of features)
      if (!/JA3|JA4|SHA|MD5/i.test(String(feature))) return `feature ${String(feature)}`
  return null
}

function numberOf(version: unknown): number {
  return Number.parseFloat(typeof version === 'string' ? version : JSON.stringify(version))
}

function unevaluated(reason: string): TestCaseResult {
  return { kind: 'unevaluated', reason }
}
