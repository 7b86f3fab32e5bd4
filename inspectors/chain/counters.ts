/**
 * Plain numbers that the hot path adds to; `worker/samples.ts` turns them into metric samples when the
 * supervisor asks. One set per inspector of a chain, shared by all flows through it.
 */

/** Upper bounds of the inspection time histogram in milliseconds; the last bucket is open. */
export const INSPECTION_BUCKETS_MS = [
  0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1000,
] as const

export type FailureKind = 'exception' | 'time-budget' | 'buffer-overrun'

export interface HopCounters {
  flows: number
  alerts: number
  blocked: number
  dropped: number
  wouldBlock: number
  bypassed: number
  failedException: number
  failedTimeBudget: number
  failedBufferOverrun: number
  /** Flows that went on without this hop, and flows that were reset, because it failed. */
  failedOpen: number
  failedClosed: number
  inspectionMs: number
  inspectionCount: number
  /** One more than the bounds; not cumulative. */
  readonly inspectionBuckets: Float64Array
}

export function newHopCounters(): HopCounters {
  return {
    flows: 0,
    alerts: 0,
    blocked: 0,
    dropped: 0,
    wouldBlock: 0,
    bypassed: 0,
    failedException: 0,
    failedTimeBudget: 0,
    failedBufferOverrun: 0,
    failedOpen: 0,
    failedClosed: 0,
    inspectionMs: 0,
    inspectionCount: 0,
    inspectionBuckets: new Float64Array(INSPECTION_BUCKETS_MS.length + 1),
  }
}

/** Adds the time one hop spent on one transaction (or on a flow that has none). */
export function observeInspection(counters: HopCounters, elapsedMs: number): void {
  counters.inspectionMs += elapsedMs
  counters.inspectionCount++
  let bucket = 0
  while (bucket < INSPECTION_BUCKETS_MS.length && elapsedMs > INSPECTION_BUCKETS_MS[bucket])
    bucket++
  counters.inspectionBuckets[bucket]++
}
