/**
 * At most one per key in `intervalMs`; the rest is counted and told with the next one, so that nothing is
 * lost silently. Keys come from configuration and code, never from the wire: their number is bounded.
 */
export class RateLimit {
  readonly #intervalMs: number
  readonly #now: () => number
  readonly #entries = new Map<string, { nextAt: number; withheld: number }>()

  /** @param now monotonic milliseconds */
  constructor(intervalMs: number, now: () => number = performance.now.bind(performance)) {
    this.#intervalMs = intervalMs
    this.#now = now
  }

  /** @returns how many were withheld since the last one that was let through; null: withhold this one */
  take(key: string): number | null {
    const now = this.#now()
    const entry = this.#entries.get(key)
    if (entry === undefined) {
      this.#entries.set(key, { nextAt: now + this.#intervalMs, withheld: 0 })
      return 0
    }
    if (now < entry.nextAt) {
      entry.withheld++
      return null
    }
    const { withheld } = entry
    entry.withheld = 0
    entry.nextAt = now + this.#intervalMs
    return withheld
  }
}
