import type { HostDirectory } from './host-directory.ts'

/** Longest `?timeout=` of `?wait=realized`, and its default, in seconds. */
export const MAX_WAIT_SECONDS = 120
export const DEFAULT_WAIT_SECONDS = 10

/**
 * Asks `look` now and after every report of an agent, until it says `isDone` or the time is over.
 *
 * @returns the last answer of `look`
 */
export async function waitFor<T>(
  hosts: HostDirectory,
  look: () => { readonly isDone: boolean; readonly seen: T },
  timeoutMs: number,
  signal?: AbortSignal,
): Promise<{ isDone: boolean; seen: T }> {
  let last = look()
  if (last.isDone) return last
  const { promise, resolve } = Promise.withResolvers<void>()
  const check = (): void => {
    last = look()
    if (last.isDone) resolve()
  }
  const timer = setTimeout(resolve, timeoutMs)
  const abort = (): void => resolve()
  hosts.on('change', check)
  signal?.addEventListener('abort', abort)
  try {
    await promise
  } finally {
    clearTimeout(timer)
    hosts.off('change', check)
    signal?.removeEventListener('abort', abort)
  }
  return last
}
