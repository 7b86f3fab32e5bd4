import { Counter, Gauge, Histogram, Registry } from 'prom-client'
import type { Agent } from './agent.ts'
import type { Shipper } from './shipper.ts'

const SUPERVISOR_TIMEOUT_MS = 1000
const MAX_SUPERVISOR_METRICS_BYTES = 1_048_576

/**
 * The agent's metrics, and behind them those of the supervisors. Values that live elsewhere are read
 * when somebody asks.
 */
export class AgentMetrics {
  readonly #registry = new Registry()
  readonly #agent: Agent
  readonly #errors: Counter

  constructor(agent: Agent, shipper: Shipper) {
    this.#agent = agent
    const registers = [this.#registry]
    const name = (suffix: string): string => `portcullis_agent_${suffix}`
    const durations = new Histogram({
      name: name('reconcile_seconds'),
      help: 'Time to bring a plan into the switch and read it back.',
      buckets: [0.01, 0.025, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10],
      registers,
    })
    this.#errors = new Counter({
      name: name('reconcile_errors_total'),
      help: 'Attempts that failed, by what was attempted.',
      labelNames: ['what'],
      registers,
    })
    const gauge = (suffix: string, help: string, read: () => number): void => {
      const made: Gauge = new Gauge({
        name: name(suffix),
        help,
        registers,
        collect: () => made.set(read()),
      })
    }
    const byState = new Gauge({
      name: name('attachments'),
      help: 'Attachments by state.',
      labelNames: ['state'],
      registers,
      collect: () => {
        byState.reset()
        for (const { state } of agent.status().attachments) byState.inc({ state })
      },
    })
    const workers = new Gauge({
      name: name('workers_listening'),
      help: 'Workers that accept connections.',
      labelNames: ['tenant', 'network'],
      registers,
      collect: () => {
        workers.reset()
        for (const domain of agent.status().domains)
          workers.set({ tenant: domain.tenant, network: domain.network }, domain.listening)
      },
    })
    const bypass = new Gauge({
      name: name('bypass_seconds_total'),
      help: 'Time in which connections of a network passed uninspected, since the agent started.',
      labelNames: ['tenant', 'network'],
      registers,
      collect: () => {
        bypass.reset()
        for (const { tenant, network, bypassedMs } of agent.status().domains)
          bypass.set({ tenant, network }, bypassedMs / 1000)
        for (const durationMs of agent.flows.takeDurations()) durations.observe(durationMs / 1000)
      },
    })
    const dropped = new Gauge({
      name: name('tap_packets_dropped_total'),
      help: 'Mirrored packets that nobody looked at, since the tap was started.',
      labelNames: ['tenant', 'attachment'],
      registers,
      collect: () => {
        dropped.reset()
        for (const [key, packets] of agent.taps.dropped()) {
          const [tenant = '', attachment = ''] = key.split('/')
          dropped.set({ tenant, attachment }, packets)
        }
      },
    })
    gauge('drift_repaired_total', 'Flows that somebody changed and that were put right.', () => {
      return agent.driftRepaired
    })
    gauge('switch_connected', 'Whether the switch database answers.', () =>
      Number(agent.status().switchConnected),
    )
    gauge('generation', 'Snapshot generation that is wholly in force.', () => {
      return agent.status().generation
    })
    gauge('seen_generation', 'Snapshot generation that was read.', () => {
      return agent.status().seenGeneration
    })
    const { counters } = shipper
    gauge('spool_backlog_bytes', 'Alert records that the queue has not acknowledged.', () => {
      return counters.backlogBytes
    })
    gauge('alerts_shipped_total', 'Alert records that the queue acknowledged.', () => {
      return counters.records
    })
    gauge('alerts_unreadable_total', 'Spool lines that were no records.', () => counters.unreadable)
    gauge(
      'alerts_forged_total',
      'Records that named a tenant whose traffic was not inspected.',
      () => {
        return counters.forged
      },
    )
    gauge('ship_failures_total', 'Attempts to ship that failed.', () => counters.failures)
  }

  countError(what: string): void {
    this.#errors.inc({ what })
  }

  /** Prometheus text exposition. */
  async text(): Promise<string> {
    const own = await this.#registry.metrics()
    const others = await this.#agent.domains.metrics(SUPERVISOR_TIMEOUT_MS)
    return own + mergeExpositions(others)
  }
}

/**
 * Joins expositions of several supervisors into one: each sample gets a `domain` label, and samples of
 * one metric stand together under one HELP and TYPE, as the format wants. Lines that are no samples are
 * left out: what a worker says is not trusted to be well-formed. Pure.
 *
 * @param texts by domain id
 */
export function mergeExpositions(texts: ReadonlyMap<string, string>): string {
  const families = new Map<string, { head: string[]; samples: string[] }>()
  for (const [domain, text] of texts) {
    let family = ''
    for (const line of text.slice(0, MAX_SUPERVISOR_METRICS_BYTES).split('\n')) {
      const head = HEAD.exec(line)
      const sample = head === null ? SAMPLE.exec(line) : null
      if (head === null && sample === null) continue
      const [, name] = (head ?? sample) as RegExpExecArray
      if (head !== null || !name.startsWith(family) || family === '') family = name
      const entry = families.get(family) ?? { head: [], samples: [] }
      families.set(family, entry)
      if (sample === null) {
        if (!entry.head.some((known) => known.split(' ')[1] === line.split(' ')[1]))
          entry.head.push(line)
        continue
      }
      const labels = sample[2] === undefined || sample[2] === '' ? '' : `,${sample[2]}`
      entry.samples.push(`${name}{domain="${domain}"${labels}} ${sample[3]}`)
    }
  }
  return [...families.values()]
    .filter(({ samples }) => samples.length > 0)
    .map(({ head, samples }) => `${[...head, ...samples].join('\n')}\n`)
    .join('')
}

const HEAD = /^# (?:HELP|TYPE) ([a-zA-Z_:][a-zA-Z0-9_:]*) [^\r]*$/
const LABEL = '[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\\]|\\\\.)*"'
const SAMPLE = new RegExp(
  `^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\\{((?:${LABEL}(?:,${LABEL})*,?)?)\\})? ([-+0-9.eE]+|[-+]?Inf|NaN)$`,
)
