/**
 * What the driver inside a guest's namespace understands: one JSON object a line on standard input,
 * one answer a line on standard output. One process a guest for a whole run: starting Node for each
 * request would measure Node.
 */

export interface HttpCall {
  readonly host: string
  readonly port: number
  readonly method?: string
  readonly path: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
  readonly timeoutMs?: number
}

export interface HttpResult {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
  readonly ms: number
}

export interface LoadPlan {
  readonly host: string
  readonly port: number
  readonly path: string
  /** Requests under way at once; every one opens a connection of its own. */
  readonly concurrency: number
  /** Milliseconds between two requests of one slot; 0 for as fast as it goes. */
  readonly pauseMs: number
  readonly timeoutMs: number
  /** Status that counts as success. */
  readonly expect: number
  /** A load that nobody stops ends by itself. */
  readonly maxMs: number
}

/**
 * Load with prebuilt bytes: the client must cost less than what it measures. Connections are kept alive
 * where the server keeps them.
 */
export interface RatePlan {
  readonly host: string
  readonly port: number
  /** One whole request, latin1. */
  readonly request: string
  /** Text in the request that gives way to a number of the same length, another for each request. */
  readonly placeholder?: string
  readonly connections: number
  readonly warmUpMs: number
  readonly measureMs: number
  /** Status every answer must have. */
  readonly expect: number
}

export interface RateReport {
  readonly requests: number
  /** Answers of the warm-up among them. */
  readonly answered: number
  readonly requestsPerSecond: number
  readonly p50Ms: number
  readonly p99Ms: number
  /** Answers with another status, and connections that broke. */
  readonly wrong: number
}

export interface LoadFailure {
  /** Milliseconds since the epoch when the connection was opened and when it failed. */
  readonly openedAt: number
  readonly failedAt: number
  readonly reason: string
}

export interface LoadReport {
  readonly sent: number
  readonly ok: number
  readonly failures: readonly LoadFailure[]
  readonly p50Ms: number
  readonly p99Ms: number
}

export type GuestRequest =
  | { readonly id: number; readonly method: 'http'; readonly call: HttpCall }
  | {
      readonly id: number
      readonly method: 'repeat'
      readonly call: HttpCall
      readonly times: number
    }
  | { readonly id: number; readonly method: 'load-start'; readonly plan: LoadPlan }
  | { readonly id: number; readonly method: 'load-stop'; readonly load: number }
  | { readonly id: number; readonly method: 'rate'; readonly plan: RatePlan }
  | { readonly id: number; readonly method: 'open'; readonly host: string; readonly port: number }
  /** Sends on an open connection and answers with what comes back until `until` is seen. */
  | {
      readonly id: number
      readonly method: 'exchange'
      readonly connection: number
      readonly send: string
      readonly until: string
      readonly timeoutMs: number
    }
  | { readonly id: number; readonly method: 'close'; readonly connection: number }

export type GuestResponse =
  | { readonly id: number; readonly ok: true; readonly value: unknown }
  | { readonly id: number; readonly ok: false; readonly error: string }

/** Value at a quantile of unsorted numbers; NaN when there are none. */
export function quantile(values: readonly number[], q: number): number {
  if (values.length === 0) return Number.NaN
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))]
}
