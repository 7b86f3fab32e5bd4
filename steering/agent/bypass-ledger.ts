import type { AttachmentMode } from '#steering/flows/desired.ts'

/**
 * When each attachment's traffic went uninspected (`bypass`) or was refused (`closed`) because no
 * worker listened.
 *
 * An outage is told at its beginning and at its end. A worker that comes and goes would tell it each
 * time; so an outage ends only when inspection has held for SETTLE_MS, and what happens in between is
 * one outage with its times added up. Times are exact, only the telling waits.
 */
export const SETTLE_MS = 5000

export type Outage = 'bypass' | 'closed'

export type BypassEvent =
  | { readonly kind: 'began'; readonly key: string; readonly outage: Outage; readonly at: number }
  | {
      readonly kind: 'ended'
      readonly key: string
      readonly outage: Outage
      readonly at: number
      /** Milliseconds without inspection, and how often it began. */
      readonly durationMs: number
      readonly times: number
    }

interface Interval {
  readonly outage: Outage
  /** Begin of the part that is under way; null while inspection holds. */
  openSince: number | null
  heldSince: number
  durationMs: number
  times: number
}

export class BypassLedger {
  readonly #intervals = new Map<string, Interval>()
  readonly #bypassedMs = new Map<string, number>()

  /**
   * Takes the modes that are in force now.
   *
   * @param modes by attachment; one that is not in it is steered no more, its outage ends at once
   * @param now   milliseconds since the epoch
   */
  observe(modes: ReadonlyMap<string, AttachmentMode>, now: number): BypassEvent[] {
    const events: BypassEvent[] = []
    for (const [key, mode] of modes) {
      if (mode === 'bypass' || mode === 'closed') this.#out(key, mode, now, events)
      else this.#back(key, now)
    }
    for (const [key, interval] of this.#intervals) {
      const isGone = !modes.has(key)
      if (isGone) this.#back(key, now)
      if (interval.openSince === null && (isGone || now - interval.heldSince >= SETTLE_MS))
        this.#end(key, interval, events)
      if (isGone) this.#bypassedMs.delete(key)
    }
    return events
  }

  /** Total milliseconds of `bypass` of an attachment since the agent started, the current one included. */
  bypassedMs(key: string, now: number): number {
    const interval = this.#intervals.get(key)
    const current =
      interval?.outage === 'bypass' && interval.openSince !== null ? now - interval.openSince : 0
    return (this.#bypassedMs.get(key) ?? 0) + current
  }

  /** True while an outage is not told to its end: `observe` has to be called again later. */
  get isUnsettled(): boolean {
    return this.#intervals.size > 0
  }

  #out(key: string, outage: Outage, now: number, events: BypassEvent[]): void {
    let interval = this.#intervals.get(key)
    if (interval !== undefined && interval.outage !== outage) {
      this.#back(key, now)
      this.#end(key, interval, events)
      interval = undefined
    }
    if (interval === undefined) {
      interval = { outage, openSince: now, heldSince: now, durationMs: 0, times: 1 }
      this.#intervals.set(key, interval)
      events.push({ kind: 'began', key, outage, at: now })
    } else if (interval.openSince === null) {
      interval.openSince = now
      interval.times++
    }
  }

  #back(key: string, now: number): void {
    const interval = this.#intervals.get(key)
    if (interval === undefined || interval.openSince === null) return
    const partMs = now - interval.openSince
    interval.durationMs += partMs
    if (interval.outage === 'bypass')
      this.#bypassedMs.set(key, (this.#bypassedMs.get(key) ?? 0) + partMs)
    interval.openSince = null
    interval.heldSince = now
  }

  #end(key: string, interval: Interval, events: BypassEvent[]): void {
    const { outage, heldSince, durationMs, times } = interval
    this.#intervals.delete(key)
    events.push({ kind: 'ended', key, outage, at: heldSince, durationMs, times })
  }
}
