/** One side of the replay: medians over the rounds, net of loading. */
export interface ReplayRate {
  readonly transactionsPerSecond: number
  readonly megabytesPerSecond: number
  /** Processor time of one transaction: what a busy machine does not change much. */
  readonly processorMicroseconds: number
  readonly loadSeconds: number
}

/** Both sides of the replay. */
export interface ReplayFigures {
  readonly portcullis: ReplayRate
  /** Null with the reason in `peerSkipped`. */
  readonly peer: ReplayRate | null
  /** Median over the rounds of ours divided by the peer's of the same round. */
  readonly ratio: number | null
  /** The peer's processor time for one transaction divided by ours. */
  readonly processorRatio: number | null
}

/** Alerts by rule and flow, each once. */
export interface AlertComparison {
  readonly both: number
  /** Rules and how many flows only one side has an alert of them in. */
  readonly onlyPortcullis: Readonly<Record<string, number>>
  readonly onlyPeer: Readonly<Record<string, number>>
}

export interface InlineRow {
  readonly request: string
  readonly wafRequestsPerSecond: number
  readonly bothRequestsPerSecond: number
  /** Median over the rounds of WAF and IDS divided by the WAF alone of the same round. */
  readonly ratio: number
}

/** Its own replay figures are those with all of a side on one core. */
export interface IdsBenchReport extends ReplayFigures {
  readonly machine: string
  readonly date: string
  /** 1-minute load of the machine before and after. */
  readonly load: readonly [before: number, after: number]
  readonly core: number
  readonly rounds: number
  readonly capture: {
    readonly transactions: number
    readonly connections: number
    readonly packets: number
    readonly bytes: number
  }
  readonly ruleCount: number
  readonly peerSkipped: string | null
  /** As the report itself, with the whole machine for either side: one thread of each looks at packets. */
  readonly allCores: ReplayFigures
  readonly alerts: AlertComparison | null
  /** All active rules. */
  readonly whole: { readonly rules: number; readonly seconds: number; readonly rssMiB: number }
  readonly inline: readonly InlineRow[]
  /** Floors that were not reached. */
  readonly missed: readonly string[]
}

const LEAST_RATIO = 1
const LEAST_INLINE_RATIO = 0.6
const MOST_LOAD_SECONDS = 6
const MOST_RSS_MIB = 400

export function missedFloors(report: Omit<IdsBenchReport, 'missed'>): string[] {
  const missed: string[] = []
  const { ratio, alerts, whole } = report
  if (ratio !== null && ratio < LEAST_RATIO)
    missed.push(`replay: ${ratio} times the peer, not ${LEAST_RATIO}`)
  if (alerts !== null) {
    const [ours, theirs] = [total(alerts.onlyPortcullis), total(alerts.onlyPeer)]
    if (ours + theirs > 0) missed.push(`alerts: ${ours} only here, ${theirs} only of the peer`)
  }
  for (const row of report.inline)
    if (row.ratio < LEAST_INLINE_RATIO)
      missed.push(`${row.request}: ${row.ratio} of the WAF alone, not ${LEAST_INLINE_RATIO}`)
  if (whole.seconds >= MOST_LOAD_SECONDS) missed.push(`all rules loaded in ${whole.seconds} s`)
  if (whole.rssMiB >= MOST_RSS_MIB) missed.push(`all rules take ${whole.rssMiB} MiB`)
  return missed
}

export function printIdsBench(report: IdsBenchReport): void {
  const { capture, alerts, whole } = report
  console.log(
    `${report.machine}, load ${report.load.join(' -> ')}, ${report.date}; core ${report.core}, medians of ${report.rounds} rounds\n` +
      `${capture.transactions} HTTP transactions in ${capture.connections} connections, ${capture.packets} packets, ${capture.bytes} bytes; ${report.ruleCount} rules\n`,
  )
  console.log('replay, net of loading  transactions/s     MB/s  CPU µs each  loading s')
  printReplay(report, 'one core')
  printReplay(report.allCores, 'all cores')
  if (report.peer === null) console.log(`peer skipped: ${report.peerSkipped}`)
  if (alerts !== null)
    console.log(
      `alerts by rule and flow: ${alerts.both} of both, only here ${JSON.stringify(alerts.onlyPortcullis)}, only the peer ${JSON.stringify(alerts.onlyPeer)}`,
    )
  console.log('\ninline                  WAF requests/s   WAF+IDS    ratio')
  for (const row of report.inline)
    console.log(
      `${row.request.padEnd(23)} ${pad(row.wafRequestsPerSecond, 14)} ${pad(row.bothRequestsPerSecond, 9)} ${pad(row.ratio, 8)}`,
    )
  console.log(
    `\n${whole.rules} active rules load in ${whole.seconds} s, ${whole.rssMiB} MiB at the most`,
  )
  for (const floor of report.missed) console.log(`MISSED ${floor}`)
}

function printReplay(
  { portcullis, peer, ratio, processorRatio }: ReplayFigures,
  where: string,
): void {
  for (const [name, rate] of [
    ['portcullis', portcullis],
    ['Suricata 7', peer],
  ] as const)
    if (rate !== null)
      console.log(
        `${`${name}, ${where}`.padEnd(23)} ${pad(rate.transactionsPerSecond, 14)} ${pad(rate.megabytesPerSecond, 8)} ${pad(rate.processorMicroseconds, 12)} ${pad(rate.loadSeconds, 10)}`,
      )
  if (peer !== null) console.log(`ratio, ${where}: ${ratio} (by processor time ${processorRatio})`)
}

function total(counts: Readonly<Record<string, number>>): number {
  return Object.values(counts).reduce((sum, count) => sum + count, 0)
}

const pad = (value: number, width: number): string => String(value).padStart(width)
