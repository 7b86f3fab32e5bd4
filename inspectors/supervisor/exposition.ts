import type { SupervisorStatus } from '#chain/model/domain.ts'
import type { Samples } from '../worker/samples.ts'

/** Metric families of a domain: name -> type and help. */
const FAMILIES: Readonly<Record<string, readonly ['counter' | 'gauge' | 'histogram', string]>> = {
  portcullis_connections_total: ['counter', 'Connections accepted'],
  portcullis_connections_refused_total: ['counter', 'Connections over the limit of their worker'],
  portcullis_connections_unresolved_total: ['counter', 'Connections that no attachment covers'],
  portcullis_upstream_failures_total: ['counter', 'Servers that refused or did not answer'],
  portcullis_idle_resets_total: ['counter', 'Connections reset because nothing moved'],
  portcullis_requests_total: ['counter', 'HTTP requests read'],
  portcullis_other_protocol_flows_total: ['counter', 'Flows that do not speak HTTP/1'],
  portcullis_bytes_total: ['counter', 'Bytes received, by direction'],
  portcullis_datagrams_total: ['counter', 'Datagrams read, by what became of them'],
  portcullis_datagram_bytes_total: ['counter', 'Bytes of frames with datagrams'],
  portcullis_datagram_flows_total: ['counter', 'Flows of datagrams'],
  portcullis_datagram_flows_evicted_total: ['counter', 'Flows forgotten for want of room'],
  portcullis_datagram_fragments_lost_total: [
    'counter',
    'Fragments of packets that were never whole',
  ],
  portcullis_datagram_read_errors_total: ['counter', 'Reads of the packet socket that failed'],
  portcullis_spool_dropped_records_total: ['counter', 'Alerts deleted before they were shipped'],
  portcullis_spool_failed_records_total: ['counter', 'Alerts that could not be written'],
  portcullis_collection_batches_total: ['counter', 'What workers told of persistent collections'],
  portcullis_collection_batches_refused_total: ['counter', 'The same, too large or too often'],
  portcullis_collection_records_evicted_total: ['counter', 'Records forgotten for want of room'],
  portcullis_flows_total: ['counter', 'Flows shown to an inspector'],
  portcullis_alerts_total: ['counter', 'Alerts raised'],
  portcullis_verdicts_total: ['counter', 'Verdicts other than pass'],
  portcullis_failures_total: ['counter', 'Inspections that failed'],
  portcullis_failed_flows_total: ['counter', 'What became of flows whose inspection failed'],
  portcullis_inspection_seconds: [
    'histogram',
    'Time an inspector spent per HTTP transaction or flow',
  ],
  portcullis_workers_wanted: ['gauge', 'Workers the configuration asks for'],
  portcullis_workers_listening: ['gauge', 'Workers that accept connections'],
  portcullis_workers_draining: ['gauge', 'Workers that finish what they have'],
  portcullis_worker_restarts_total: ['counter', 'Workers that died and were replaced'],
  portcullis_generation: ['gauge', 'Configuration generation in force'],
  portcullis_connections: ['gauge', 'Connections open'],
}

/** Adds samples to a sum, key by key. */
export function addSamples(sum: Record<string, number>, samples: Samples): void {
  for (const [key, value] of Object.entries(samples)) sum[key] = (sum[key] ?? 0) + value
}

/** Prometheus text format 0.0.4: samples of all workers, and the supervisor's own. */
export function exposition(samples: Samples, status: SupervisorStatus): string {
  const all: Record<string, number> = {
    ...samples,
    portcullis_workers_wanted: status.wanted,
    portcullis_workers_listening: status.listening,
    portcullis_workers_draining: status.draining,
    portcullis_worker_restarts_total: status.restarts,
    portcullis_generation: status.generation,
    portcullis_connections: status.connections,
  }
  const byFamily = Map.groupBy(Object.entries(all), ([key]) => familyOf(key))
  const lines: string[] = []
  for (const [name, [type, help]] of Object.entries(FAMILIES)) {
    const entries = byFamily.get(name)
    if (entries === undefined) continue
    lines.push(`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`)
    for (const [key, value] of entries) lines.push(`${key} ${value}`)
  }
  return `${lines.join('\n')}\n`
}

function familyOf(key: string): string {
  const brace = key.indexOf('{')
  const name = brace === -1 ? key : key.slice(0, brace)
  if (Object.hasOwn(FAMILIES, name)) return name
  return name.replace(/_(bucket|sum|count)$/, '')
}
