import { cpus } from 'node:os'
import type { Chain, ChainInspector } from '#chain/model/chain.ts'
import type { GuestClient } from '#test/stage/guest-client.ts'
import type { RateReport } from '#test/stage/guest-protocol.ts'
import { SERVER, Stage } from '#test/stage/stage.ts'

/** One way from the client to the server. */
export interface ChainBenchRow {
  readonly path: 'direct' | 'empty chain' | 'WAF' | 'WAF+IDS'
  /** Medians over the rounds. */
  readonly requestsPerSecond: number
  readonly p50Ms: number
  readonly p99Ms: number
  /** Median over the rounds of requests/s divided by the direct path's of the same round. */
  readonly ofDirect: number
}

export interface ChainBenchReport {
  readonly machine: string
  readonly workers: number
  readonly connections: number
  readonly rounds: number
  readonly rules: string
  readonly rows: readonly ChainBenchRow[]
}

export interface ChainBenchOptions {
  readonly rounds: number
  readonly seconds: number
  readonly connections: number
  readonly workers: number
  readonly say: (text: string) => void
}

const REQUEST = `GET /catalogue?page=3&sort=price HTTP/1.1\r\nHost: shop.example\r\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64)\r\nAccept: text/html,application/json\r\nAccept-Language: en\r\nCookie: session=8f14e45fceea167a\r\n\r\n`
const WARM_UP_MS = 700

const WAF: ChainInspector = {
  type: 'waf',
  mode: 'block',
  rules: ['crs'],
  setup: 'crs-setup',
  settings: { paranoia: 1 },
}
const IDS: ChainInspector = { type: 'ids', mode: 'detect', rules: ['baseline'] }

const CHAINS: readonly { readonly path: ChainBenchRow['path']; readonly chain: Chain | null }[] = [
  { path: 'direct', chain: null },
  { path: 'empty chain', chain: { name: 'empty', inspectors: [], onFailure: 'closed' } },
  { path: 'WAF', chain: { name: 'waf', inspectors: [WAF], onFailure: 'closed' } },
  { path: 'WAF+IDS', chain: { name: 'waf-ids', inspectors: [WAF, IDS], onFailure: 'closed' } },
]

/**
 * Requests/s and latency through the switch, direct against through the chain: all paths in every round, so
 * that a noisy machine is noisy to all of them. One server, one port for each path, all attached at once.
 */
export async function benchChain(options: ChainBenchOptions): Promise<ChainBenchReport> {
  const stage = new Stage({ workers: options.workers, say: options.say })
  try {
    await stage.start()
    const client = await stage.addWebAndLaptop('origin')
    await stage.installRuleSet('crs', '/usr/share/modsecurity-crs/rules')
    await stage.installRuleSet('crs-setup', '/etc/modsecurity/crs/crs-setup.conf')
    await assertAttackIsBlockedBy(stage, client)
    const rounds: Map<ChainBenchRow['path'], RateReport>[] = []
    for (let round = 0; round < options.rounds; round++) {
      const reports = new Map<ChainBenchRow['path'], RateReport>()
      for (const { path, chain } of CHAINS) {
        if (chain !== null) await stage.attach('bench', 'web', chain.name)
        const report = await client.rate({
          host: SERVER,
          port: 80,
          request: REQUEST,
          connections: options.connections,
          warmUpMs: WARM_UP_MS,
          measureMs: options.seconds * 1000,
          expect: 200,
        })
        if (chain !== null) await stage.detach('bench')
        if (report.wrong > 0) throw new Error(`${path}: ${report.wrong} answers were wrong`)
        reports.set(path, report)
        options.say(
          `round ${round + 1}/${options.rounds}, ${path}: ${report.requestsPerSecond} requests/s, p50 ${report.p50Ms.toFixed(2)} ms, p99 ${report.p99Ms.toFixed(2)} ms`,
        )
      }
      rounds.push(reports)
    }
    const [cpu] = cpus()
    return {
      machine: `${cpus().length} x ${cpu?.model ?? 'unknown'}`,
      workers: options.workers,
      connections: options.connections,
      rounds: options.rounds,
      rules: 'modsecurity-crs 3.3 of Debian at paranoia 1, blocking; baseline IDS rules',
      rows: CHAINS.map(({ path }) => summarise(path, rounds)),
    }
  } finally {
    await stage.stop()
  }
}

/** A bench of a WAF that inspects nothing would be fast: each chain must block, or the run is void. */
async function assertAttackIsBlockedBy(stage: Stage, client: GuestClient): Promise<void> {
  for (const { path, chain } of CHAINS) {
    if (chain === null) continue
    await stage.putChain(chain)
    await stage.attach('bench', 'web', chain.name)
    const attack = await client.http({
      host: SERVER,
      port: 80,
      path: '/?id=1%27%20OR%20%271%27=%271',
    })
    await stage.detach('bench')
    const expected = chain.inspectors.length === 0 ? 200 : 403
    if (attack.status !== expected)
      throw new Error(`${path}: the attack was answered ${attack.status}, not ${expected}`)
  }
}

function summarise(
  path: ChainBenchRow['path'],
  rounds: readonly Map<ChainBenchRow['path'], RateReport>[],
): ChainBenchRow {
  const of = (pick: (report: RateReport, direct: RateReport) => number): number => {
    const values = rounds.map((reports) => pick(reports.get(path)!, reports.get('direct')!))
    values.sort((a, b) => a - b)
    return Number(values[Math.floor(values.length / 2)].toFixed(3))
  }
  return {
    path,
    requestsPerSecond: of((report) => report.requestsPerSecond),
    p50Ms: of((report) => report.p50Ms),
    p99Ms: of((report) => report.p99Ms),
    ofDirect: of((report, direct) => report.requestsPerSecond / direct.requestsPerSecond),
  }
}
