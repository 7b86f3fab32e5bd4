import type { HttpExchangeHandler } from './exchange-handler.ts'
import { DEFAULT_HTTP_LIMITS, type HttpLimits } from './limits.ts'
import type { HttpTransaction } from './transaction.ts'

export interface HttpExchangeOptions {
  /** Id of the next transaction (hyperid). */
  readonly nextId: () => string
  /** Milliseconds since the epoch. */
  readonly now: () => number
  readonly limits?: Partial<HttpLimits>
}

/** Reads both directions of one HTTP/1 connection. */
export class HttpExchangeParser {
  readonly #limits: HttpLimits

  constructor(_handler: HttpExchangeHandler, options: HttpExchangeOptions) {
    this.#limits = { ...DEFAULT_HTTP_LIMITS, ...options.limits }
  }

  pushClient(_chunk: Buffer): void {}
  pushServer(_chunk: Buffer): void {}
  /** The client's FIN. */
  endClient(): void {}
  /** The server's FIN. */
  endServer(): void {}
  /** No further event, ever. */
  stop(): void {}
  /** No further client event until `resumeClient`; bytes pushed meanwhile are kept (`heldBytes`). */
  pauseClient(): void {}
  resumeClient(): void {}

  /** True while client bytes are kept and not parsed: the proxy should stop reading from the client. */
  get clientHeld(): boolean {
    return this.#limits.heldBytes < 0
  }

  /** True once `tunnel` was called. */
  get isTunnel(): boolean {
    return false
  }

  /** Transactions whose head was told and whose request or response has not ended, oldest first. */
  get openTransactions(): readonly HttpTransaction[] {
    return []
  }
}
