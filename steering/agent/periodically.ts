import { setTimeout as delay } from 'node:timers/promises'

/** Pauses and steps in turn until the signal; resolves when the step under way has ended. */
export async function periodically(
  signal: AbortSignal,
  pause: (signal: AbortSignal) => Promise<void>,
  step: () => Promise<void>,
  failed: (error: unknown) => void,
): Promise<void> {
  while (!signal.aborted) {
    await pause(signal)
    if (signal.aborted) return
    await step().catch(failed)
  }
}

/** A pause of one length. */
export const pauseOf = (ms: number) => (signal: AbortSignal) =>
  delay(ms, undefined, { signal }).catch(() => {})
