import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse } from 'yaml'

/** One entry of suricata-verify's `index.json`: where a test's capture and rules are. */
export interface IndexEntry {
  readonly name: string
  readonly tier: number
  readonly pcap: string
  readonly rules: string
  readonly args: readonly string[]
}

/** Alerts that a test wants: those that match all fields, so many. */
export interface AlertCheck {
  readonly count: number
  readonly fields: ReadonlyMap<string, unknown>
}

export interface TestCase {
  readonly entry: IndexEntry
  readonly checks: readonly AlertCheck[]
  readonly midstream: boolean
}

/** `unevaluated`: the test asks for something that is not judged here, and what. */
export type TestCaseResult =
  | { readonly kind: 'case'; readonly test: TestCase }
  | { readonly kind: 'unevaluated'; readonly reason: string }

/** Fields of an alert that a replay knows. */
export const KNOWN_FIELDS: ReadonlySet<string> = new Set([
  'event_type',
  'alert.signature_id',
  'alert.signature',
  'alert.gid',
  'alert.rev',
  'src_ip',
  'src_port',
  'dest_ip',
  'dest_port',
  'proto',
])

const KNOWN_ARGUMENTS = [
  /^-k (?:none|all)$/,
  /^--set stream\.midstream=true$/,
  /^--set stream\.inline=(?:true|false)$/,
  /^--set stream\.checksum-validation=no$/,
  /^--set outputs\./,
  /^--runmode[= ]/,
  /^--no-random$/,
  /^--simulate-ips$/,
  /^--set app-layer\.protocols\.http\.libhtp\.default-config\.response-body-decompress-layer-limit=\d+$/,
]

interface TestYaml {
  readonly requires?: { readonly 'lt-version'?: unknown } & Readonly<Record<string, unknown>>
  readonly command?: unknown
  readonly 'exit-code'?: unknown
  readonly checks?: readonly {
    readonly filter?: {
      readonly count?: unknown
      readonly requires?: Readonly<Record<string, unknown>>
      readonly match?: Readonly<Record<string, unknown>>
    }
  }[]
}

/** Reads `test.yaml`; its checks on other events than alerts are left out, and a test without others is too. */
export function readTestCase(root: string, entry: IndexEntry): TestCaseResult {
  const yaml = parse(readFileSync(join(root, 'tests', entry.name, 'test.yaml'), 'utf8')) as TestYaml
  if (yaml.command !== undefined) return unevaluated('command of its own')
  if (yaml['exit-code'] !== undefined) return unevaluated('exit code')
  const options = entry.args.flatMap((argument) => argument.split(/\s+(?=-)/))
  for (const option of options)
    if (!KNOWN_ARGUMENTS.some((known) => known.test(option.trim())))
      return unevaluated(`argument ${option.trim().split(/[ =]/, 2).join(' ')}`)
  const checks: AlertCheck[] = []
  for (const { filter } of yaml.checks ?? []) {
    if (filter?.match?.event_type !== 'alert') continue
    if (filter.requires?.['lt-version'] !== undefined) continue
    const fields = new Map(Object.entries(filter.match))
    for (const field of fields.keys())
      if (!KNOWN_FIELDS.has(field)) return unevaluated(`field ${field}`)
    if (typeof filter.count !== 'number') return unevaluated('check without count')
    checks.push({ count: filter.count, fields })
  }
  if (checks.length === 0) return unevaluated('no check on alerts')
  const midstream = options.some((option) => option.includes('stream.midstream=true'))
  return { kind: 'case', test: { entry, checks, midstream } }
}

function unevaluated(reason: string): TestCaseResult {
  return { kind: 'unevaluated', reason }
}
