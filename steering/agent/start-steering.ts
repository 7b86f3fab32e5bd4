import { setTimeout as delay } from 'node:timers/promises'
import type { Steering } from '#steering/openflow/switch-controller-interface.ts'

const RETRY_MS = 1000

/**
 * Starts to steer, as often as it takes: the switch may come up after the agent.
 *
 * @returns false when it was told to end before that
 */
export async function startSteering(
  steering: Steering,
  signal: AbortSignal,
  log: (message: string, fields: Record<string, unknown>) => void,
): Promise<boolean> {
  for (let told = ''; !signal.aborted;) {
    try {
      await steering.start()
      return true
    } catch (error) {
      const reason = (error as Error).message
      if (reason !== told) log('the switch cannot be steered yet', { reason })
      told = reason
    }
    await delay(RETRY_MS, undefined, { signal }).catch(() => {})
  }
  return false
}
