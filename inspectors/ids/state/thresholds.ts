import type { RuleHead, Threshold, ThresholdTrack } from '#signatures/suricata/rule.ts'
import type { RateFilter } from '#signatures/suricata/threshold-config.ts'
import { MAX_PORT_BITMAPS, MAX_THRESHOLD_ENTRIES } from '../limits.ts'
import { BoundedTable } from './bounded-table.ts'

/** Addresses of the data that matched, as text. */
export interface Endpoints {
  readonly source: string
  readonly destination: string
  readonly flow: string
  readonly sourcePort: number
  readonly destinationPort: number
}

interface Count {
  count: number
  since: number
  /** `backoff`: matches at which the next alert is shown. */
  next: number
}

/** A bit for each port. */
const PORT_WORDS = 65_536 / 32

/**
 * Counts matches per rule and tracked side. One for all connections of an inspector.
 *
 * `limit`: the first N matches in the interval show alerts. `threshold`: every N-th does. `both`: the N-th in
 * the interval does, once. `detection`: those after the N-th do. `backoff`: the N-th does, then the M·N-th, the M²·N-th, …
 */
export class Thresholds {
  readonly #table = new BoundedTable<Count>(MAX_THRESHOLD_ENTRIES)
  readonly #ports = new BoundedTable<Uint32Array>(MAX_PORT_BITMAPS)

  /** What sets of ports take, and how many had to be forgotten. */
  get portSets(): { readonly bytes: number; readonly forgotten: number } {
    return { bytes: this.#ports.size * PORT_WORDS * 4, forgotten: this.#ports.evicted }
  }

  /**
   * Counts one match.
   *
   * @param now milliseconds
   * @returns true when the match is to be shown
   */
  admits(rule: RuleHead, threshold: Threshold, endpoints: Endpoints, now: number): boolean {
    const entry = this.#count(rule, threshold, endpoints, now)
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
      case 'backoff':
        if (entry.count < entry.next) return false
        entry.next *= threshold.multiplier ?? 1
        return true
    }
  }

  #count(rule: RuleHead, threshold: Threshold, endpoints: Endpoints, now: number): Count {
    const key = `${rule.gid}:${rule.sid}:${trackKey(threshold.track, endpoints)}`
    const length = threshold.seconds * 1000
    let entry = this.#table.get(key, now)
    if (entry === undefined || now - entry.since >= length) {
      entry = { count: 0, since: now, next: threshold.count }
      this.#table.set(key, entry, now + length)
      if (threshold.uniqueOn !== undefined) this.#ports.delete(key)
    }
    if (threshold.uniqueOn === undefined) entry.count += 1
    else {
      const { sourcePort, destinationPort } = endpoints
      const port = threshold.uniqueOn === 'src_port' ? sourcePort : destinationPort
      this.#countPort(entry, key, port, now, entry.since + length)
    }
    return entry
  }

  /** Counts a port that was not seen; where memory has run out it is forgotten which were, and they count again. */
  #countPort(entry: Count, key: string, port: number, now: number, expiresAt: number): void {
    let ports = this.#ports.get(key, now)
    if (ports === undefined) {
      ports = new Uint32Array(PORT_WORDS)
      this.#ports.set(key, ports, expiresAt)
    }
    const word = port >>> 5
    const bit = 1 << (port & 31)
    if ((ports[word] & bit) !== 0) return
    ports[word] |= bit
    entry.count += 1
  }
}

interface Rate {
  count: number
  since: number
  /** Milliseconds; the other action holds until then. */
  until: number
}

/** Rates above which a rule has another action for a time. One for all connections of an inspector. */
export class RateFilters {
  readonly #table = new BoundedTable<Rate>(MAX_THRESHOLD_ENTRIES)

  /**
   * Counts one match.
   *
   * @param now milliseconds
   * @returns true when the filter's action takes the place of the rule's
   */
  exceeds(rule: RuleHead, filter: RateFilter, endpoints: Endpoints, now: number): boolean {
    const key = `${rule.gid}:${rule.sid}:${trackKey(filter.track, endpoints)}`
    const length = filter.seconds * 1000
    const held = this.#table.get(key, now)
    if (held !== undefined && now < held.until) return true
    if (held === undefined || held.until > 0 || now - held.since >= length) {
      const entry = { count: 1, since: now, until: 0 }
      if (filter.count < 1) entry.until = now + filter.timeoutSeconds * 1000
      this.#table.set(key, entry, Math.max(now + length, entry.until) + 1)
      return entry.until > 0
    }
    held.count += 1
    if (held.count <= filter.count) return false
    held.until = now + filter.timeoutSeconds * 1000
    this.#table.set(key, held, held.until + 1)
    return true
  }
}

/** Both ways of a pair of addresses are one. */
function trackKey(track: ThresholdTrack, { source, destination, flow }: Endpoints): string {
  switch (track) {
    case 'by_src':
      return `s${source}`
    case 'by_dst':
      return `d${destination}`
    case 'by_both':
      return source < destination ? `b${source} ${destination}` : `b${destination} ${source}`
    case 'by_flow':
      return `f${flow}`
    case 'by_rule':
      return 'r'
  }
}
