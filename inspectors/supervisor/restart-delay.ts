/** A worker that lived this long was not killed by its start. */
const STABLE_MS = 10_000
const FIRST_DELAY_MS = 100
const MAX_DELAY_MS = 5_000

/**
 * When to replace a dead worker: at once, unless workers die one after the other; then after a delay
 * that doubles, so that a worker that cannot live does not take the machine with it.
 */
export class RestartDelay {
  #quickDeaths = 0

  /** @returns milliseconds to wait before the next start */
  afterDeath(livedMs: number): number {
    this.#quickDeaths = livedMs >= STABLE_MS ? 1 : this.#quickDeaths + 1
    return this.#quickDeaths <= 2
      ? 0
      : Math.min(MAX_DELAY_MS, FIRST_DELAY_MS * 2 ** (this.#quickDeaths - 3))
  }

  /** A new configuration starts with a clean slate. */
  reset(): void {
    this.#quickDeaths = 0
  }
}
