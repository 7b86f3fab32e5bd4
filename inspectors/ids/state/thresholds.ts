import type { Rule, Threshold } from '#signatures/suricata/rule.ts'
import { MAX_THRESHOLD_ENTRIES } from '../limits.ts'
import { BoundedTable } from './bounded-table.ts'

/** Addresses of the data that matched, as text. */
export interface Endpoints {
  readonly source: string
  readonly destination: string
  readonly flow: string
}

interface Count {
  count: number
  since: number
}

/**
 * Counts matches per rule and tracked side. One for all connections of an inspector.
 *
 * `limit`: the first N matches in the interval show alerts. `threshold`: every N-th does. `both`: the N-th in
 * the interval does, once. `detection`: those after the N-th do.
 */
export class Thresholds {
  readonly #table = new BoundedTable<Count>(MAX_THRESHOLD_ENTRIES)

  /**
   * Counts one match.
   *
   * @param now milliseconds
   * @returns true when the match is to be shown
   */
  admits(rule: Rule, threshold: Threshold, endpoints: Endpoints, now: number): boolean {
    const key = `${rule.gid}:${rule.sid}:${trackKey(threshold, endpoints)}`
    const length = threshold.seconds * 1000
    let entry = this.#table.get(key, now)
    if (entry === undefined || now - entry.since >= length) {
      entry = { count: 0, since: now }
      this.#table.set(key, entry, now + length)
    }
    entry.count += 1
    switch (threshold.kind) {
      case 'limit':
        return entry.count <= threshold.count
      case 'threshold':
        if (entry.count < threshold.count) return false
        entry.count = 0
        return true
      case 'both':
        return entry.count === threshold.count
      case 'detection':
        return entry.count > threshold.count
    }
  }
}

function trackKey(threshold: Threshold, endpoints: Endpoints): string {
  switch (threshold.track) {
    case 'by_src':
      return `s${endpoints.source}`
    case 'by_dst':
      return `d${endpoints.destination}`
    case 'by_both':
      return `b${endpoints.source} ${endpoints.destination}`
    case 'by_flow':
      return `f${endpoints.flow}`
    case 'by_rule':
      return 'r'
  }
}
