import type { WafRequest } from './waf-requests.ts'

/** Medians over the rounds. */
export interface Rate {
  readonly requestsPerSecond: number
  readonly p50Ms: number
  readonly p99Ms: number
  /** Processor time of the worker for one request: what a busy machine does not change much. */
  readonly processorMs: number
}

export interface WafBenchRow {
  readonly request: WafRequest['name']
  readonly expect: number
  readonly portcullis: Rate
  readonly peer: Rate | null
  /** Median over the rounds of ours divided by the peer's of the same round. */
  readonly ratio: number | null
  /** The peer's processor time for one request divided by ours. */
  readonly processorRatio: number | null
  readonly leastRatio: number | null
  /** Of one request in the inspector alone. */
  readonly inspectionMeanMs: number
  readonly inspectionP99Ms: number
  readonly mostInspectionMs: number
}

export interface WafBenchReport {
  readonly machine: string
  readonly date: string
  /** 1-minute load of the machine before and after. */
  readonly load: readonly [before: number, after: number]
  readonly rules: string
  readonly paranoia: number
  readonly connections: number
  readonly rounds: number
  readonly seconds: number
  /** Null with the reason in `peerSkipped`. */
  readonly peer: string | null
  readonly peerSkipped: string | null
  readonly rows: readonly WafBenchRow[]
  /** The same GET through the same proxy without inspectors. */
  readonly emptyChain: Rate
  readonly ofEmptyChain: number
  readonly loadMs: number
  readonly ruleCount: number
  readonly memory: {
    readonly startedMiB: number
    readonly startedEmptyMiB: number
    readonly afterMiB: number
    readonly afterEmptyMiB: number
    /** What rules add to a worker that has not yet seen traffic, and to one that has. */
    readonly startedExtraMiB: number
    readonly afterExtraMiB: number
  }
  /** Floors that were not reached. */
  readonly missed: readonly string[]
}

const LEAST_OF_EMPTY_CHAIN = 0.5
const MOST_LOAD_MS = 1000
const MOST_EXTRA_MIB = 60

export function missedFloors(report: Omit<WafBenchReport, 'missed'>): string[] {
  const missed: string[] = []
  for (const row of report.rows) {
    if (row.ratio !== null && row.leastRatio !== null && row.ratio < row.leastRatio) {
      missed.push(`${row.request}: ${row.ratio} times the peer, not ${row.leastRatio}`)
    }
    if (row.inspectionP99Ms >= row.mostInspectionMs) {
      missed.push(
        `${row.request}: p99 inspection ${row.inspectionP99Ms} ms, not under ${row.mostInspectionMs}`,
      )
    }
  }
  if (report.ofEmptyChain < LEAST_OF_EMPTY_CHAIN) {
    missed.push(`GET: ${report.ofEmptyChain} of the empty chain, not ${LEAST_OF_EMPTY_CHAIN}`)
  }
  if (report.loadMs >= MOST_LOAD_MS) missed.push(`rules loaded in ${report.loadMs} ms`)
  if (report.memory.startedExtraMiB >= MOST_EXTRA_MIB) {
    missed.push(`rules take ${report.memory.startedExtraMiB} MiB of a worker`)
  }
  return missed
}

export function printWafBench(report: WafBenchReport): void {
  const { memory } = report
  console.log(
    `${report.machine}, load ${report.load.join(' -> ')}, ${report.date}; one worker, one core; ${report.connections} connections, medians of ${report.rounds} rounds of ${report.seconds} s\n${report.rules}, paranoia ${report.paranoia}, blocking; peer: ${report.peer ?? `skipped (${report.peerSkipped})`}\n`,
  )
  console.log(
    'request           requests/s       peer   ratio  floor  CPU ms (peer, ratio)  inspection mean / p99 ms',
  )
  for (const row of report.rows) {
    console.log(
      `${row.request.padEnd(16)} ${pad(row.portcullis.requestsPerSecond, 11)} ${pad(row.peer?.requestsPerSecond, 10)} ${pad(row.ratio, 7)} ${pad(row.leastRatio, 6)}  ${row.portcullis.processorMs} (${row.peer?.processorMs ?? '-'}, ${row.processorRatio ?? '-'})  ${row.inspectionMeanMs} / ${row.inspectionP99Ms}`,
    )
  }
  console.log(
    `\nGET through the empty chain ${report.emptyChain.requestsPerSecond}/s: with rules ${report.ofEmptyChain} of it\n${report.ruleCount} rules load in ${report.loadMs} ms; they add ${memory.startedExtraMiB} MiB to a worker (${memory.afterExtraMiB} MiB after this traffic)`,
  )
  for (const floor of report.missed) console.log(`MISSED ${floor}`)
}

const pad = (value: number | null | undefined, width: number): string =>
  (value === null || value === undefined ? '-' : String(value)).padStart(width)
