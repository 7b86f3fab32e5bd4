/**
 * What a test starts are daemons: they outlive a test process that Ctrl-C or the runner ends. So it ends only when
 * what it started is taken down.
 */

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const
const INTERRUPTED = 130

type Stop = () => Promise<void>
const stops = new Set<Stop>()

/** @param stop removes everything; what was registered first is stopped first. May be given again */
export function stopOnInterrupt(stop: Stop): void {
  if (stops.size === 0) for (const signal of SIGNALS) process.on(signal, interrupted)
  stops.add(stop)
}

/** To be called when all is removed. */
export function stopped(stop: Stop): void {
  if (!stops.delete(stop) || stops.size > 0) return
  for (const signal of SIGNALS) process.off(signal, interrupted)
}

let isInterrupted = false

function interrupted(): void {
  if (isInterrupted) return
  isInterrupted = true
  void takeDown().finally(() => process.exit(INTERRUPTED))
}

async function takeDown(): Promise<void> {
  for (const stop of stops) await stop().catch((error: unknown) => console.error(error))
}
