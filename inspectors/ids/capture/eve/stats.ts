import { eveTimestamp } from '#chain/model/eve-values.ts'
import type { ExceptionPolicy, ExceptionTarget } from '../../configuration/exception-policies.ts'
import type { ReplayCounts } from '../replay.ts'
import { DROP_COUNTERS, type DropReason } from '../drop-reason.ts'

/** What a recorder counts while it writes. */
export class RecorderCounts {
  alerts = 0
  /** Alerts for which a packet had no room. */
  discarded = 0
  /** Alerts that thresholds, suppressions and `noalert` held back. */
  suppressed = 0
  rejected = 0
  readonly drops = new Map<DropReason, number>()
  /** Exceptions that were met, by what they are and what was done. */
  readonly exceptions = new Map<string, number>()

  exception(target: ExceptionTarget, policy: ExceptionPolicy): void {
    if (policy === 'ignore') return
    const name = `${EXCEPTIONS[target]}.${policy.replace('-', '_')}`
    this.exceptions.set(name, (this.exceptions.get(name) ?? 0) + 1)
  }

  drop(reason: DropReason): void {
    this.drops.set(reason, (this.drops.get(reason) ?? 0) + 1)
  }

  get dropped(): number {
    let sum = 0
    for (const count of this.drops.values()) sum += count
    return sum
  }
}

/** Where exceptions are counted. */
const EXCEPTIONS: Readonly<Record<ExceptionTarget, string>> = {
  stream_midstream: 'tcp.midstream',
  stream_memcap: 'tcp.ssn_memcap',
  stream_reassembly: 'tcp.reassembly',
  flow_memcap: 'flow.memcap',
  defrag_memcap: 'defrag.memcap',
  app_layer_error: 'app_layer.error',
}

/** Sets of ports that detection filters keep. */
export interface PortSets {
  readonly bytes: number
  readonly forgotten: number
}

export interface RuleFigures {
  readonly loaded: number
  readonly failed: number
}

/** Numbers under dotted names as objects within objects. */
function nested(numbers: ReadonlyMap<string, number>): Record<string, unknown> {
  const whole: Record<string, unknown> = {}
  for (const [name, value] of numbers) {
    const parts = name.split('.')
    let at = whole
    for (const part of parts.slice(0, -1)) at = (at[part] ??= {}) as Record<string, unknown>
    at[parts[parts.length - 1]] = value
  }
  return whole
}

/** EVE's `stats` record. */
export function statsRecord(
  nowMs: number,
  counts: ReplayCounts,
  own: RecorderCounts,
  options: {
    readonly isInline: boolean
    readonly rules: RuleFigures | null
    readonly portSets: PortSets | null
  },
): Record<string, unknown> {
  const reasons: Record<string, number> = {}
  for (const reason of Object.values(DROP_COUNTERS)) reasons[reason] = 0
  for (const [reason, count] of own.drops) reasons[DROP_COUNTERS[reason]] += count
  return {
    timestamp: eveTimestamp(nowMs),
    event_type: 'stats',
    stats: {
      uptime: 0,
      decoder: {
        pkts: counts.packets,
        bytes: counts.bytes,
        ...counts.decoder,
        ...eventFields(counts, 'decoder.', 'event'),
      },
      ...eventFields(counts, 'stream.', 'stream'),
      app_layer: applicationFields(counts),
      tcp: { reassembly_gap: counts.gaps },
      flow: { total: counts.flows },
      detect: {
        ...(options.rules === null
          ? {}
          : {
              engines: [
                {
                  id: 0,
                  rules_loaded: options.rules.loaded,
                  rules_failed: options.rules.failed,
                  rules_skipped: 0,
                },
              ],
            }),
        alert: own.alerts,
        alert_queue_overflow: own.discarded,
        alerts_suppressed: own.suppressed,
        ...(options.portSets === null
          ? {}
          : {
              thresholds: {
                bitmap_memuse: options.portSets.bytes,
                bitmap_alloc_fail: options.portSets.forgotten,
              },
            }),
      },
      ...(own.exceptions.size === 0 ? {} : { exception_policy: nested(own.exceptions) }),
      ...(options.isInline
        ? {
            ips: {
              accepted: counts.packets - own.dropped,
              blocked: own.dropped,
              rejected: own.rejected,
              drop_reason: reasons,
            },
          }
        : {}),
    },
  }
}

/** Faults by their names: those of the decoder by layer. */
function eventFields(
  { events }: ReplayCounts,
  prefix: 'decoder.' | 'stream.',
  name: string,
): Record<string, unknown> {
  const fields: Record<string, Record<string, number> | number> = {}
  for (const [event, count] of events) {
    if (!event.startsWith(prefix)) continue
    const [layer, ...rest] = event.slice(prefix.length).split('.')
    if (rest.length === 0) fields[layer] = count
    else {
      const known = fields[layer]
      if (typeof known === 'object') known[rest.join('.')] = count
      else fields[layer] = { [rest.join('.')]: count }
    }
  }
  return Object.keys(fields).length === 0 ? {} : { [name]: fields }
}

/** Protocols that are told even where none was seen. */
const APPLICATIONS = ['http', 'tls', 'dns_tcp', 'dns_udp', 'failed_tcp', 'failed_udp']

function applicationFields({ applications }: ReplayCounts): Record<string, unknown> {
  const flow: Record<string, number> = {}
  const tx: Record<string, number> = {}
  const error: Record<string, unknown> = {}
  for (const name of [...APPLICATIONS, ...applications.keys()]) {
    const counted = applications.get(name)
    flow[name] = counted?.flows ?? 0
    if (name.startsWith('failed')) continue
    tx[name] = counted?.transactions ?? 0
    error[name] = { gap: 0, alloc: 0, parser: 0, internal: 0 }
  }
  return { flow, tx, error }
}
