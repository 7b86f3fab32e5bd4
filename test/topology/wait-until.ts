import { setTimeout as delay } from 'node:timers/promises'

const INTERVAL_MS = 20

/**
 * Waits for a condition with a deadline.
 *
 * @param what named in the error when the deadline passes
 * @returns the first value that is neither undefined nor false
 */
export async function waitUntil<T>(
  what: string,
  probe: () => T | undefined | false | Promise<T | undefined | false>,
  timeoutMs = 10_000,
): Promise<T> {
  const deadline = performance.now() + timeoutMs
  for (;;) {
    const value = await probe()
    if (value !== undefined && value !== false) return value
    if (performance.now() > deadline) throw new Error(`not within ${timeoutMs} ms: ${what}`)
    await delay(INTERVAL_MS)
  }
}
