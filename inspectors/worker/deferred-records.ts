import type { AlertEvent } from '../chain/hop.ts'
import type { HttpResponseHead, HttpTransaction } from '../http/transaction.ts'

/** More than these are not kept waiting. */
export const MAX_DEFERRED_RECORDS = 256

/**
 * Alerts of which the record is made when the turn ends. Made one after the other they cost half of what they
 * cost between the rules of one flow and the next: code and tables of the one drive out those of the other.
 * A record says what was known when its alert was raised, whatever its flow did in the same turn.
 */
export class DeferredRecords {
  readonly #now: () => number
  readonly #events: AlertEvent[] = []
  readonly #times: number[] = []
  readonly #responses: (HttpResponseHead | null)[] = []
  readonly #responseBytes: number[] = []

  /** @param now milliseconds since the epoch, with fractions */
  constructor(now: () => number) {
    this.#now = now
  }

  get isFull(): boolean {
    return this.#events.length >= MAX_DEFERRED_RECORDS
  }

  add(event: AlertEvent): void {
    const { transaction } = event
    this.#events.push(event)
    this.#times.push(this.#now())
    this.#responses.push(transaction === null ? null : transaction.response)
    this.#responseBytes.push(transaction === null ? 0 : transaction.responseBodyBytes)
  }

  /** Hands over all that wait, in their order; none waits afterwards. */
  take(make: (event: AlertEvent, epochMs: number) => void): void {
    for (let at = 0; at < this.#events.length; at += 1) {
      make(this.#asFound(at), this.#times[at])
    }
    this.#events.length = 0
    this.#times.length = 0
    this.#responses.length = 0
    this.#responseBytes.length = 0
  }

  #asFound(at: number): AlertEvent {
    const event = this.#events[at]
    const { transaction } = event
    if (transaction === null) return event
    const response = this.#responses[at]
    const responseBodyBytes = this.#responseBytes[at]
    if (transaction.response === response && transaction.responseBodyBytes === responseBodyBytes) {
      return event
    }
    const asFound: HttpTransaction = { ...transaction, response, responseBodyBytes }
    return { ...event, transaction: asFound }
  }
}
