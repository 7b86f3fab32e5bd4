import { spawn, spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { availableParallelism, cpus, loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import type { AlertRecord } from '#chain/model/eve.ts'
import type { Chain } from '#chain/model/chain.ts'
import { GuestClient } from '#test/stage/guest-client.ts'
import type { RateReport } from '#test/stage/guest-protocol.ts'
import { waitUntil } from '#test/topology/wait-until.ts'
import {
  difference,
  type InspectionHistogram,
  quantileMs,
  readHistogram,
} from './inspection-histogram.ts'
import { missedFloors, type Rate, type WafBenchReport } from './waf-bench-report.ts'
import {
  CLIENT_CORE,
  type Inspect,
  type Measured,
  onCore,
  processorMs,
  SERVER_CORE,
  Servers,
  workerMebibytes,
} from './waf-bench-servers.ts'
import { PLACEHOLDER, WAF_REQUESTS, type WafRequest } from './waf-requests.ts'

export interface WafBenchOptions {
  readonly rounds: number
  readonly seconds: number
  readonly connections: number
  readonly say: (text: string) => void
}

const SHARED = join(import.meta.dirname, '../../../shared')
const PEER_TOOL = join(SHARED, 'tools/peer-modsecurity')
const DEBIAN = {
  rules: '/usr/share/modsecurity-crs/rules',
  setup: '/etc/modsecurity/crs/crs-setup.conf',
}
const PARANOIA = 1
const WARM_UP_MS = 1500
/** Long enough for the slowest request on a busy machine. */
const VERDICT_MS = 2000
const LOADS = 3
/** A worker tells its counters once a second. */
const METRICS_TIMEOUT_MS = 10_000

/**
 * Requests/s and inspection times of the WAF in `portcullis inspect` beside nginx with libmodsecurity3 on
 * the same CRS files: one worker on one core each, all of them in every round, so that a noisy machine
 * is noisy to all. Without the peer's tool ours is measured alone.
 *
 * @throws when an answer has another status than expected, or the rules matched what they should not
 */
export async function benchWaf(options: WafBenchOptions): Promise<WafBenchReport> {
  if (availableParallelism() < 2) throw new Error('two cores are needed: one for what is measured')
  const before = round(loadavg()[0])
  const crs = join(SHARED, 'data/crs')
  const isShared = existsSync(crs)
  const paths = isShared
    ? { rules: join(crs, 'rules'), setup: join(crs, 'crs-setup.conf.example') }
    : DEBIAN
  const load = measureLoad(paths)
  const folder = mkdtempSync(join(tmpdir(), 'portcullis-bench-'))
  const servers = new Servers()
  let client: GuestClient | null = null
  try {
    const upstream = await servers.origin()
    const waf = await servers.inspect(folder, wafChain(paths), upstream)
    const empty = await servers.inspect(folder, EMPTY_CHAIN, upstream)
    options.say('starting nginx with libmodsecurity3')
    const peer = existsSync(PEER_TOOL)
      ? await servers.peer(PEER_TOOL, crs, upstream, PARANOIA)
      : `${PEER_TOOL} is not on this machine`
    if (typeof peer === 'string') options.say(`the peer is skipped: ${peer}`)
    const peerServer = typeof peer === 'string' ? null : peer
    const started = { waf: workerMebibytes(waf), empty: workerMebibytes(empty) }
    client = await GuestClient.start((argv) => {
      const [program, ...rest] = onCore(CLIENT_CORE, argv)
      return spawn(program, rest, { stdio: ['pipe', 'pipe', 'inherit'] })
    })
    const run = new Run(client, options, waf, empty, peerServer)
    await run.assertVerdicts()
    for (let index = 0; index < options.rounds; index += 1) await run.round(index)
    const after = { waf: workerMebibytes(waf), empty: workerMebibytes(empty) }
    const report = {
      machine: `${cpus().length} x ${cpus().at(0)?.model.trim() ?? 'unknown'}`,
      date: new Date().toISOString().slice(0, 10),
      load: [before, round(loadavg()[0])] as const,
      rules: isShared ? 'CRS 4 of ../shared/data/crs' : 'CRS of Debian',
      paranoia: PARANOIA,
      connections: options.connections,
      rounds: options.rounds,
      seconds: options.seconds,
      peer: peerServer === null ? null : 'nginx with libmodsecurity3, one worker',
      peerSkipped: typeof peer === 'string' ? peer : null,
      ...run.results(),
      loadMs: Math.round(load.ms),
      ruleCount: load.rules,
      memory: {
        startedMiB: round(started.waf),
        startedEmptyMiB: round(started.empty),
        afterMiB: round(after.waf),
        afterEmptyMiB: round(after.empty),
        startedExtraMiB: round(started.waf - started.empty),
        afterExtraMiB: round(after.waf - after.empty),
      },
    }
    return { ...report, missed: missedFloors(report) }
  } finally {
    await client?.stop()
    await servers.stop()
    rmSync(folder, { recursive: true, force: true })
  }
}

const EMPTY_CHAIN: Chain = { name: 'empty', inspectors: [], onFailure: 'closed' }

const wafChain = ({ rules, setup }: typeof DEBIAN): Chain => ({
  name: 'waf',
  inspectors: [
    { type: 'waf', mode: 'block', setup, rules: [rules], settings: { paranoia: PARANOIA } },
  ],
  onFailure: 'closed',
})

interface CostedRate extends RateReport {
  readonly processorMs: number
}

class Run {
  readonly #client: GuestClient
  readonly #options: WafBenchOptions
  readonly #waf: Inspect
  readonly #empty: Inspect
  readonly #peer: Measured | null
  readonly #ours = new Map<WafRequest, CostedRate[]>()
  readonly #peers = new Map<WafRequest, CostedRate[]>()
  readonly #inspections = new Map<WafRequest, InspectionHistogram[]>()
  readonly #emptyRates: CostedRate[] = []

  constructor(
    client: GuestClient,
    options: WafBenchOptions,
    waf: Inspect,
    empty: Inspect,
    peer: Measured | null,
  ) {
    this.#client = client
    this.#options = options
    this.#waf = waf
    this.#empty = empty
    this.#peer = peer
  }

  /** A bench of a WAF that inspects nothing would be fast: nothing is measured before this holds. */
  async assertVerdicts(): Promise<void> {
    for (const request of WAF_REQUESTS) {
      const servers = [this.#waf, ...(this.#peer === null ? [] : [this.#peer])]
      const from = readFileSync(this.#waf.eveFile).length
      for (const server of servers) await this.#rate(request, server, 1, 0, VERDICT_MS)
      const matched = rulesIn(readFileSync(this.#waf.eveFile, 'utf8').slice(from))
      const isExpected = request.rule === null ? matched.size === 0 : matched.has(request.rule)
      if (!isExpected) {
        throw new Error(`${request.name}: rules ${[...matched].join(' ') || 'none'} matched`)
      }
    }
  }

  async round(index: number): Promise<void> {
    const { connections, seconds, say, rounds } = this.#options
    const measure = async (
      request: WafRequest,
      server: Measured,
      into: CostedRate[],
      who: string,
    ): Promise<void> => {
      const report = await this.#rate(
        request,
        server,
        request.connections ?? connections,
        WARM_UP_MS,
        seconds * 1000,
      )
      into.push(report)
      say(
        `round ${index + 1}/${rounds}, ${request.name}, ${who}: ${report.requestsPerSecond} requests/s`,
      )
    }
    await measure(WAF_REQUESTS[0], this.#empty, this.#emptyRates, 'empty chain')
    for (const request of WAF_REQUESTS) {
      const before = await readHistogram(this.#waf.metrics)
      const ours = listIn(this.#ours, request)
      await measure(request, this.#waf, ours, 'portcullis')
      listIn(this.#inspections, request).push(await this.#inspection(before, ours.at(-1)!.requests))
      if (this.#peer === null) continue
      await measure(request, this.#peer, listIn(this.#peers, request), 'peer')
    }
  }

  results(): Pick<WafBenchReport, 'rows' | 'emptyChain' | 'ofEmptyChain'> {
    const rows = WAF_REQUESTS.map((request) => {
      const ours = this.#ours.get(request) ?? []
      const peers = this.#peers.get(request) ?? null
      const inspections = this.#inspections.get(request) ?? []
      return {
        request: request.name,
        expect: request.expect,
        portcullis: medianRate(ours),
        peer: peers === null ? null : medianRate(peers),
        ratio: peers === null ? null : ratio(ours, peers),
        leastRatio: request.leastRatio,
        processorRatio:
          peers === null
            ? null
            : median(peers.map((peer, index) => peer.processorMs / ours[index].processorMs)),
        inspectionMeanMs: median(inspections.map(({ sumMs, count }) => sumMs / count)),
        inspectionP99Ms: median(inspections.map((one) => quantileMs(one, 0.99))),
        mostInspectionMs: request.mostInspectionMs,
      }
    })
    const gets = this.#ours.get(WAF_REQUESTS[0]) ?? []
    return {
      rows,
      emptyChain: medianRate(this.#emptyRates),
      ofEmptyChain: ratio(gets, this.#emptyRates),
    }
  }

  async #rate(
    { name, request, expect }: WafRequest,
    server: Measured,
    connections: number,
    warmUpMs: number,
    measureMs: number,
  ): Promise<CostedRate> {
    const before = processorMs(server)
    const report = await this.#client.rate({
      host: '127.0.0.1',
      port: server.port,
      request,
      placeholder: PLACEHOLDER,
      connections,
      warmUpMs,
      measureMs,
      expect,
    })
    if (report.requests === 0) throw new Error(`${name} on port ${server.port}: no answer in time`)
    if (report.wrong > 0) {
      throw new Error(`${name} on port ${server.port}: ${report.wrong} answers were not ${expect}`)
    }
    return { ...report, processorMs: (processorMs(server) - before) / report.answered }
  }

  /** Waits until the worker has told the times of the requests that were measured. */
  async #inspection(before: InspectionHistogram, requests: number): Promise<InspectionHistogram> {
    let added = difference(before, await readHistogram(this.#waf.metrics))
    await waitUntil(
      'the inspection times of what was measured',
      async () => {
        added = difference(before, await readHistogram(this.#waf.metrics))
        return added.count >= requests
      },
      METRICS_TIMEOUT_MS,
    )
    return added
  }
}

function rulesIn(eve: string): Set<number> {
  const records = eve
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as AlertRecord)
  return new Set(records.map(({ alert }) => alert.signature_id))
}

function measureLoad({ rules, setup }: typeof DEBIAN): { ms: number; rules: number } {
  const script = join(import.meta.dirname, 'waf-load.ts')
  const [program, ...argv] = onCore(SERVER_CORE, [
    process.execPath,
    '--disable-warning=ExperimentalWarning',
    script,
    rules,
    setup,
  ])
  const loads = Array.from({ length: LOADS }, () => {
    const run = spawnSync(program, argv, { encoding: 'utf8' })
    if (run.status !== 0) throw new Error(`the rules do not load:\n${run.stderr}`)
    return JSON.parse(run.stdout) as { ms: number; rules: number }
  })
  return { ms: median(loads.map(({ ms }) => ms)), rules: loads[0].rules }
}

function listIn<K, V>(map: Map<K, V[]>, key: K): V[] {
  const list = map.get(key) ?? []
  map.set(key, list)
  return list
}

const round = (value: number): number => Number(value.toFixed(3))

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  return round(sorted[Math.floor(sorted.length / 2)])
}

const medianRate = (reports: readonly CostedRate[]): Rate => ({
  requestsPerSecond: median(reports.map(({ requestsPerSecond }) => requestsPerSecond)),
  p50Ms: median(reports.map(({ p50Ms }) => p50Ms)),
  p99Ms: median(reports.map(({ p99Ms }) => p99Ms)),
  processorMs: median(reports.map((report) => report.processorMs)),
})

/** Median of the ratios of the same rounds; whole requests are too few where one takes long. */
const ratio = (ours: readonly CostedRate[], theirs: readonly CostedRate[]): number =>
  median(ours.map((report, index) => report.requestsPerSecond / theirs[index].requestsPerSecond))
