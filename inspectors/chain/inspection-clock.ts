/** Longest that a thread may be at work on one event for one hop. */
export const EVENT_BUDGET_MS = 1_000

/** The processor's time is asked for this often, for it costs as much as some events: budgets are as exact as that. */
const SAMPLE_EVERY_MS = 50

/**
 * Times events by the clock, which is cheap, and tells those that took long because they had much to do from those
 * during which the machine had no time for this process. Only the first are to blame on an inspector: a host
 * that stands still for a second must not turn its traffic away.
 */
export class InspectionClock {
  readonly #monotonicMs: () => number
  readonly #processorMs: () => number
  #sampledAt = Number.NEGATIVE_INFINITY
  #sampledMs = 0

  /** Tests pass clocks of their own. */
  constructor(
    monotonicMs: () => number = performance.now.bind(performance),
    processorMs: () => number = threadMs,
  ) {
    this.#monotonicMs = monotonicMs
    this.#processorMs = processorMs
  }

  /** When an event begins. @returns milliseconds */
  begin(): number {
    const now = this.#monotonicMs()
    if (now - this.#sampledAt >= SAMPLE_EVERY_MS) {
      this.#sampledAt = now
      this.#sampledMs = this.#processorMs()
    }
    return now
  }

  /** When a hop has answered. @returns milliseconds */
  now(): number {
    return this.#monotonicMs()
  }

  /** @param elapsedMs between two of these times, `begin` being called before the first */
  isOverBudget(elapsedMs: number): boolean {
    return elapsedMs > EVENT_BUDGET_MS && this.#processorMs() - this.#sampledMs > EVENT_BUDGET_MS
  }
}

/** Of all chains of this process. */
export const PROCESS_CLOCK = new InspectionClock()

function threadMs(): number {
  const { user, system } = process.threadCpuUsage()
  return (user + system) / 1000
}
