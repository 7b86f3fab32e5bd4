import type { Entry } from '../values/entry.ts'

/** What a body processor makes of a request body. */
export interface ParsedBody {
  readonly args: readonly Entry[]
  /** Null: read to the end. Else why not: the request must not pass unseen. */
  readonly error: string | null
}
