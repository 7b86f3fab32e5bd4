import { availableParallelism } from 'node:os'
import { dirname } from 'node:path'

/** Settings of the inspection processes that come from the environment; the rest are arguments. */
export interface InspectorsConfig {
  /** Checkout of this project: where `signatures/baseline` is. */
  readonly home: string
  /** Default of `inspect --workers`. */
  readonly workers: number
  /** What connections get to finish when a process is told to end. */
  readonly drainMs: number
}

const DEFAULT_DRAIN_MS = 10_000
const MAX_DRAIN_MS = 3_600_000
const MAX_WORKERS = 64

/** @throws RangeError when PORTCULLIS_DRAIN_MS is no number of milliseconds up to an hour */
export function inspectorsConfig(environment: NodeJS.ProcessEnv = process.env): InspectorsConfig {
  const drainMs = Number(environment.PORTCULLIS_DRAIN_MS ?? DEFAULT_DRAIN_MS)
  if (!Number.isInteger(drainMs) || drainMs < 0 || drainMs > MAX_DRAIN_MS) {
    throw new RangeError(`PORTCULLIS_DRAIN_MS must be milliseconds from 0 to ${MAX_DRAIN_MS}`)
  }
  return Object.freeze({
    home: environment.PORTCULLIS_HOME ?? dirname(import.meta.dirname),
    workers: Math.min(MAX_WORKERS, availableParallelism()),
    drainMs,
  })
}
