import { eveTimestamp } from '#chain/model/eve-values.ts'
import type { ReplayCounts } from '../replay.ts'
import type { DropReason } from '../replay-flow.ts'

/** What a recorder counts while it writes. */
export class RecorderCounts {
  alerts = 0
  /** Alerts for which a packet had no room. */
  discarded = 0
  /** Alerts that thresholds, suppressions and `noalert` held back. */
  suppressed = 0
  rejected = 0
  readonly drops = new Map<DropReason, number>()

  drop(reason: DropReason): void {
    this.drops.set(reason, (this.drops.get(reason) ?? 0) + 1)
  }

  get dropped(): number {
    let sum = 0
    for (const count of this.drops.values()) sum += count
    return sum
  }
}

/** How a drop's reason is named among the counters. */
const COUNTERS: Readonly<Record<DropReason, string>> = {
  rules: 'rules',
  'threshold detection_filter': 'threshold_detection_filter',
  'flow drop': 'flow_drop',
  'stream error': 'stream_error',
  'stream memcap': 'stream_memcap',
  'stream midstream': 'stream_midstream',
  'stream urgent': 'stream_urgent',
  'exception policy flow drop': 'flow_drop',
}

export interface RuleFigures {
  readonly loaded: number
  readonly failed: number
}

/** EVE's `stats` record. */
export function statsRecord(
  nowMs: number,
  counts: ReplayCounts,
  own: RecorderCounts,
  options: { readonly isInline: boolean; readonly rules: RuleFigures | null },
): Record<string, unknown> {
  const reasons: Record<string, number> = {}
  for (const reason of Object.values(COUNTERS)) reasons[reason] = 0
  for (const [reason, count] of own.drops) reasons[COUNTERS[reason]] += count
  return {
    timestamp: eveTimestamp(nowMs),
    event_type: 'stats',
    stats: {
      uptime: 0,
      decoder: {
        pkts: counts.packets,
        bytes: counts.bytes,
        ...counts.decoder,
      },
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
      },
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
