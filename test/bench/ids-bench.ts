import { spawn, spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { cpus, loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Chain } from '#chain/model/chain.ts'
import { parseRules } from '#signatures/suricata/parse-rules.ts'
import { GuestClient } from '#test/stage/guest-client.ts'
import { type IdsBenchReport, type InlineRow, missedFloors } from './ids-bench-report.ts'
import { writeHttpCapture } from './ids-capture.ts'
import { median, ReplayBench, round } from './ids-replay-bench.ts'
import { CLIENT_CORE, type Inspect, onCore, Servers } from './waf-bench-servers.ts'
import { PLACEHOLDER, WAF_REQUESTS } from './waf-requests.ts'

export interface IdsBenchOptions {
  readonly rounds: number
  readonly transactions: number
  readonly rules: number
  /** What is measured in the replay runs on this core alone. */
  readonly core: number
  readonly say: (text: string) => void
}

const SHARED = join(import.meta.dirname, '../../../shared')
const ET_OPEN = join(SHARED, 'data/et-open/emerging-all.rules')
const CRS = join(SHARED, 'data/crs')
const CONNECTIONS = 16
const WARM_UP_MS = 1500
const MEASURE_MS = 3000
const INLINE_REQUESTS = WAF_REQUESTS.filter(({ name }) => name === 'GET' || name === 'form 1 kB')

/**
 * The IDS beside Suricata 7 on one capture and the same rules, each with one thread that looks at packets, on one core
 * and with the whole machine; what it costs in line behind the WAF; time and memory of loading a whole rule set.
 *
 * @throws when the rules of the reference data are absent, or an inline answer is not 200
 */
export async function benchIds(options: IdsBenchOptions): Promise<IdsBenchReport> {
  if (cpus().length < 2) throw new Error('two cores are needed: one for what is measured')
  if (!existsSync(ET_OPEN)) throw new Error(`${ET_OPEN} is not on this machine`)
  const before = round(loadavg()[0])
  const folder = mkdtempSync(join(tmpdir(), 'portcullis-bench-'))
  try {
    const capture = join(folder, 'http.pcap')
    options.say(`writing a capture of ${options.transactions} transactions`)
    const figures = writeHttpCapture(capture, options.transactions)
    const rules = join(folder, 'selected.rules')
    const active = activeRules()
    const selected = spread(active, options.rules)
    writeFileSync(rules, `${selected.join('\n')}\n`, 'latin1')
    const whole = measureLoad(folder, active, options)
    options.say('preparing Suricata')
    const replay = new ReplayBench(folder, rules, capture)
    const { peerSkipped } = replay
    if (peerSkipped !== null) options.say(`the peer is skipped: ${peerSkipped}`)
    const oneCore = String(options.core)
    const allCores = `0-${cpus().length - 1}`
    for (let index = 0; index < options.rounds; index += 1)
      for (const cores of [oneCore, allCores]) {
        const { ours, peer } = replay.round(cores)
        const rate = (seconds: number): string => `${Math.round(figures.transactions / seconds)}/s`
        options.say(
          `round ${index + 1}/${options.rounds}, replay on core ${cores}: ${rate(ours)}${peer === null ? '' : `, Suricata ${rate(peer)}`}`,
        )
      }
    const inline = await measureInline(folder, rules, options)
    const report = {
      machine: `${cpus().length} x ${cpus().at(0)?.model.trim() ?? 'unknown'}`,
      date: new Date().toISOString().slice(0, 10),
      load: [before, round(loadavg()[0])] as const,
      core: options.core,
      rounds: options.rounds,
      capture: figures,
      ruleCount: selected.length,
      ...replay.figures(oneCore, figures.transactions, figures.bytes),
      allCores: replay.figures(allCores, figures.transactions, figures.bytes),
      alerts: replay.alerts(),
      peerSkipped,
      whole,
      inline,
    }
    return { ...report, missed: missedFloors(report) }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** Lines of the rules that are active and accepted: what both sides load. */
function activeRules(): string[] {
  const text = readFileSync(ET_OPEN, 'latin1')
  const lines = text.split('\n')
  return parseRules(text, ET_OPEN).rules.map(({ line }) => lines[line - 1])
}

/** So many of them, evenly over all. */
function spread(lines: readonly string[], count: number): string[] {
  const wanted = Math.min(count, lines.length)
  return Array.from(
    { length: wanted },
    (_, index) => lines[Math.floor((index * lines.length) / wanted)],
  )
}

function measureLoad(
  folder: string,
  active: readonly string[],
  { rounds, core, say }: IdsBenchOptions,
): IdsBenchReport['whole'] {
  const file = join(folder, 'active.rules')
  writeFileSync(file, `${active.join('\n')}\n`, 'latin1')
  const script = join(import.meta.dirname, 'ids-load.ts')
  const [program, ...argv] = onCore(core, [
    process.execPath,
    '--disable-warning=ExperimentalWarning',
    script,
    file,
  ])
  const loads = Array.from({ length: rounds }, () => {
    const run = spawnSync(program, argv, { encoding: 'utf8' })
    if (run.status !== 0) throw new Error(`the rules do not load:\n${run.stderr}`)
    return JSON.parse(run.stdout) as { seconds: number; rules: number; rssMiB: number }
  })
  const seconds = round(median(loads.map((load) => load.seconds)))
  const rssMiB = Math.round(median(loads.map((load) => load.rssMiB)))
  say(`all active rules: ${seconds} s, ${rssMiB} MiB`)
  return { rules: loads[0].rules, seconds, rssMiB }
}

async function measureInline(
  folder: string,
  rules: string,
  { rounds, say }: IdsBenchOptions,
): Promise<InlineRow[]> {
  const servers = new Servers()
  let client: GuestClient | null = null
  try {
    const upstream = await servers.origin()
    const waf = await servers.inspect(folder, wafChain([]), upstream)
    const both = await servers.inspect(folder, wafChain([rules]), upstream)
    client = await GuestClient.start((argv) => {
      const [program, ...rest] = onCore(CLIENT_CORE, argv)
      return spawn(program, rest, { stdio: ['pipe', 'pipe', 'inherit'] })
    })
    const rows: InlineRow[] = []
    for (const { name, request, expect } of INLINE_REQUESTS) {
      const rates: { waf: number; both: number }[] = []
      const rate = async (server: Inspect): Promise<number> => {
        const report = await client!.rate({
          host: '127.0.0.1',
          port: server.port,
          request,
          placeholder: PLACEHOLDER,
          connections: CONNECTIONS,
          warmUpMs: WARM_UP_MS,
          measureMs: MEASURE_MS,
          expect,
        })
        if (report.wrong > 0) throw new Error(`${name}: ${report.wrong} answers were not ${expect}`)
        return report.requestsPerSecond
      }
      for (let index = 0; index < rounds; index += 1) {
        const pair = { waf: await rate(waf), both: await rate(both) }
        rates.push(pair)
        say(
          `round ${index + 1}/${rounds}, inline ${name}: WAF ${pair.waf}/s, with IDS ${pair.both}/s`,
        )
      }
      rows.push({
        request: name,
        wafRequestsPerSecond: median(rates.map((pair) => pair.waf)),
        bothRequestsPerSecond: median(rates.map((pair) => pair.both)),
        ratio: round(median(rates.map((pair) => pair.both / pair.waf))),
      })
    }
    return rows
  } finally {
    await client?.stop()
    await servers.stop()
  }
}

/** The WAF as `bench waf` has it, and behind it the IDS where rules are given. */
function wafChain(idsRules: readonly string[]): Chain {
  return {
    name: idsRules.length === 0 ? 'waf' : 'waf-ids',
    inspectors: [
      {
        type: 'waf',
        mode: 'block',
        setup: join(CRS, 'crs-setup.conf.example'),
        rules: [join(CRS, 'rules')],
        settings: { paranoia: 1 },
      },
      ...(idsRules.length === 0
        ? []
        : [{ type: 'ids' as const, mode: 'detect' as const, rules: [...idsRules] }]),
    ],
    onFailure: 'closed',
  }
}
