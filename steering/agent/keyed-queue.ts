/** Pause before a failed key is tried again: doubled each time, between these. */
export const RETRY_MIN_MS = 250
export const RETRY_MAX_MS = 60_000

interface Entry {
  running: boolean
  again: boolean
  failures: number
  timer: NodeJS.Timeout | null
}

/**
 * Level-triggered work by key: `add` says that a key may need work, never what. One run of a key at a
 * time; a key added meanwhile runs once more. A run that throws is repeated after a pause that grows;
 * `add` does not cut the pause short (a failing run may be what adds), `addNow` does. Different keys
 * run side by side.
 */
export class KeyedQueue {
  readonly #work: (key: string) => Promise<void>
  readonly #onError: (key: string, error: unknown, retryMs: number) => void
  readonly #entries = new Map<string, Entry>()
  readonly #waiting: (() => void)[] = []
  #stopped = false

  constructor(
    work: (key: string) => Promise<void>,
    onError: (key: string, error: unknown, retryMs: number) => void,
  ) {
    this.#work = work
    this.#onError = onError
  }

  add(key: string): void {
    const entry = this.#entry(key)
    if (entry.timer === null) this.#begin(key, entry)
  }

  /** For when what is wanted has changed: why the last run failed may be gone. */
  addNow(key: string): void {
    const entry = this.#entry(key)
    if (entry.timer !== null) clearTimeout(entry.timer)
    entry.timer = null
    this.#begin(key, entry)
  }

  /** Takes no more work; resolves when the runs under way have ended. */
  async stop(): Promise<void> {
    this.#stopped = true
    for (const entry of this.#entries.values()) if (entry.timer !== null) clearTimeout(entry.timer)
    if (this.#isIdle) return
    await new Promise<void>((resolve) => this.#waiting.push(resolve))
  }

  get #isIdle(): boolean {
    return ![...this.#entries.values()].some((entry) => entry.running)
  }

  #entry(key: string): Entry {
    let entry = this.#entries.get(key)
    if (entry === undefined) {
      entry = { running: false, again: false, failures: 0, timer: null }
      this.#entries.set(key, entry)
    }
    return entry
  }

  #begin(key: string, entry: Entry): void {
    if (entry.running) entry.again = true
    else if (!this.#stopped) void this.#run(key, entry)
  }

  async #run(key: string, entry: Entry): Promise<void> {
    entry.running = true
    try {
      do {
        entry.again = false
        await this.#work(key)
        entry.failures = 0
      } while (entry.again && !this.#stopped)
      this.#entries.delete(key)
    } catch (error) {
      entry.failures++
      const retryMs = Math.min(RETRY_MIN_MS * 2 ** (entry.failures - 1), RETRY_MAX_MS)
      this.#onError(key, error, retryMs)
      if (!this.#stopped) entry.timer = setTimeout(() => this.addNow(key), retryMs)
    } finally {
      entry.running = false
      if (this.#stopped && this.#isIdle) for (const resolve of this.#waiting.splice(0)) resolve()
    }
  }
}
