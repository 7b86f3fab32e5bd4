import { INSPECTION_BUCKETS_MS } from '../chain/counters.ts'
import type { DatagramCounters } from '../datagram/counters.ts'
import type { ProxyCounters } from '../proxy/flow-services.ts'
import type { LabelledCounters } from './routes.ts'

/**
 * Counters of one worker as metric samples: Prometheus sample name with labels -> value. All of them
 * are sums, so the supervisor adds up those of its workers key by key.
 */
export type Samples = Record<string, number>

export interface SpoolCounts {
  readonly droppedRecords: number
  readonly failedRecords: number
}

export function collectSamples(
  proxy: ProxyCounters,
  hops: readonly LabelledCounters[],
  spool: SpoolCounts,
  datagrams: DatagramCounters | null = null,
): Samples {
  const samples: Samples = {}
  const add = (name: string, labels: string, value: number): void => {
    const key = labels === '' ? name : `${name}{${labels}}`
    samples[key] = (samples[key] ?? 0) + value
  }
  add('portcullis_connections_total', '', proxy.connections)
  add('portcullis_connections_refused_total', '', proxy.refusedConnections)
  add('portcullis_connections_unresolved_total', '', proxy.unresolvedConnections)
  add('portcullis_upstream_failures_total', '', proxy.upstreamFailures)
  add('portcullis_idle_resets_total', '', proxy.idleResets)
  add('portcullis_requests_total', '', proxy.requests)
  add('portcullis_other_protocol_flows_total', '', proxy.otherProtocols)
  add('portcullis_bytes_total', 'direction="to_server"', proxy.bytesToServer)
  add('portcullis_bytes_total', 'direction="to_client"', proxy.bytesToClient)
  add('portcullis_spool_dropped_records_total', '', spool.droppedRecords)
  add('portcullis_spool_failed_records_total', '', spool.failedRecords)
  if (datagrams !== null) {
    const name = 'portcullis_datagrams_total'
    for (const outcome of ['forwarded', 'dropped', 'unresolved', 'unreadable', 'unsent'] as const)
      add(name, `outcome="${outcome}"`, datagrams[outcome])
    add('portcullis_datagram_bytes_total', '', datagrams.bytes)
    add('portcullis_datagram_flows_total', '', datagrams.flows)
    add('portcullis_datagram_flows_evicted_total', '', datagrams.flowsEvicted)
    add('portcullis_datagram_fragments_lost_total', '', datagrams.fragmentsLost)
    add('portcullis_datagram_read_errors_total', '', datagrams.readErrors)
  }
  for (const { tenant, chain, inspector, counters } of hops) {
    // Names and types: no character of theirs needs escaping.
    const labels = `tenant="${tenant}",chain="${chain}",inspector="${inspector}"`
    add('portcullis_flows_total', labels, counters.flows)
    add('portcullis_alerts_total', labels, counters.alerts)
    add('portcullis_verdicts_total', `${labels},verdict="block"`, counters.blocked)
    add('portcullis_verdicts_total', `${labels},verdict="drop"`, counters.dropped)
    add('portcullis_verdicts_total', `${labels},verdict="would-block"`, counters.wouldBlock)
    add('portcullis_verdicts_total', `${labels},verdict="bypass"`, counters.bypassed)
    add('portcullis_failures_total', `${labels},kind="exception"`, counters.failedException)
    add('portcullis_failures_total', `${labels},kind="time-budget"`, counters.failedTimeBudget)
    add(
      'portcullis_failures_total',
      `${labels},kind="buffer-overrun"`,
      counters.failedBufferOverrun,
    )
    add('portcullis_failed_flows_total', `${labels},on_failure="open"`, counters.failedOpen)
    add('portcullis_failed_flows_total', `${labels},on_failure="closed"`, counters.failedClosed)
    let cumulative = 0
    for (const [index, boundMs] of INSPECTION_BUCKETS_MS.entries()) {
      cumulative += counters.inspectionBuckets[index]
      add('portcullis_inspection_seconds_bucket', `${labels},le="${boundMs / 1000}"`, cumulative)
    }
    add('portcullis_inspection_seconds_bucket', `${labels},le="+Inf"`, counters.inspectionCount)
    add('portcullis_inspection_seconds_sum', labels, counters.inspectionMs / 1000)
    add('portcullis_inspection_seconds_count', labels, counters.inspectionCount)
  }
  return samples
}
