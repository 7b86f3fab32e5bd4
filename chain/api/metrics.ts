import { Counter, Gauge, Histogram, Registry } from 'prom-client'
import type { AlertWorker } from '#chain/alerts/alert-worker.ts'
import type { AlertFeed } from '#chain/alerts/feed.ts'
import type { Inbox } from '#chain/alerts/inbox.ts'
import type { HostDirectory } from '#chain/plan/host-directory.ts'
import type { Planner } from '#chain/plan/planner.ts'

export interface Measured {
  readonly hosts: HostDirectory
  readonly planner: Planner
  readonly inbox: Inbox
  readonly feed: AlertFeed
  readonly alerts: AlertWorker
  readonly isRedisReady: () => boolean
  readonly redisRestarts: () => number
}

const STATES = ['realized', 'pending', 'failed', 'bypassed', 'blocked', 'draining'] as const

/** Counted elsewhere as plain numbers and read here at scrape. No label names a tenant or a port. */
export function buildMetrics(measured: Measured): Registry {
  const registry = new Registry()
  const gauge = (name: string, help: string, read: () => number): void => {
    const metric: Gauge = new Gauge({
      name: `portcullis_${name}`,
      help,
      registers: [registry],
      collect: () => metric.set(read()),
    })
  }
  const counter = (name: string, help: string, read: () => number): void => {
    const metric: Counter = new Counter({
      name: `portcullis_${name}`,
      help,
      registers: [registry],
      collect: () => {
        metric.reset()
        metric.inc(read())
      },
    })
  }
  const { hosts, planner, inbox, feed, alerts } = measured
  gauge('redis_up', '1 while the state store answers', () => (measured.isRedisReady() ? 1 : 0))
  counter('redis_restarts_total', 'Restarts of the private redis-server', measured.redisRestarts)
  gauge('hosts_live', 'Agents that hold their lease', () => liveHosts(hosts))
  gauge('hosts_gone', 'Agents whose lease ran out', () => hosts.all().length - liveHosts(hosts))
  counter('snapshots_published_total', 'Host snapshots published', () => planner.publishedCount)
  counter('drift_repaired_total', 'Flows that agents found changed and repaired', () =>
    sum(hosts.all().map(({ last }) => last?.driftRepaired ?? 0)),
  )
  gauge('bypassed_milliseconds', 'Time in which domains passed traffic uninspected', () =>
    sum(hosts.all().flatMap(({ last }) => last?.domains.map((domain) => domain.bypassedMs) ?? [])),
  )
  counter('alert_batches_total', 'Batches taken off the queue', () => alerts.counts.batches)
  counter('alerts_stored_total', 'Alerts that were new to the inbox', () => alerts.counts.stored)
  counter('alerts_repeated_total', 'Alerts that came again', () => alerts.counts.repeated)
  counter('alerts_unreadable_total', 'Records that are no alerts', () => alerts.counts.unreadable)
  counter('alerts_pruned_total', 'Alerts deleted by the inbox’s bounds', () => inbox.pruned)
  gauge('alert_streams', 'Open live streams', () => feed.streams)
  attachmentStates(registry, hosts)
  return registry
}

function attachmentStates(registry: Registry, hosts: HostDirectory): void {
  const metric: Gauge<'state'> = new Gauge({
    name: 'portcullis_attachments',
    help: 'Attachments by the state that agents report',
    labelNames: ['state'],
    registers: [registry],
    collect: () => {
      const reported = hosts.all().flatMap(({ status }) => status?.attachments ?? [])
      for (const state of STATES) {
        metric.set({ state }, reported.filter((entry) => entry.state === state).length)
      }
    },
  })
}

const liveHosts = (hosts: HostDirectory): number =>
  hosts.all().filter(({ status }) => status !== null).length

const sum = (numbers: readonly number[]): number => numbers.reduce((a, b) => a + b, 0)

/** Seconds; from a validation error to the longest wait for an agent. */
const BUCKETS = [0.001, 0.005, 0.02, 0.1, 0.5, 2, 10, 60]

/** Observes one finished request. `route` is the route's pattern, never a URL. */
export type ObserveRequest = (
  method: string,
  route: string,
  status: number,
  seconds: number,
) => void

export function requestMetrics(registry: Registry): ObserveRequest {
  const histogram = new Histogram({
    name: 'portcullis_api_request_seconds',
    help: 'API requests by route and status class',
    labelNames: ['method', 'route', 'status'],
    buckets: BUCKETS,
    registers: [registry],
  })
  return (method, route, status, seconds) =>
    histogram.observe({ method, route, status: `${Math.floor(status / 100)}xx` }, seconds)
}
