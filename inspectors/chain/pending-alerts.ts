import type { HttpTransaction } from '../http/transaction.ts'
import type { AlertEvent, AlertSink } from './hop.ts'

/**
 * Alerts of one connection whose verdict is still open: the bytes they are about are held, so a later
 * event may still stop them. What an alert says became of its flow is true when it is written.
 */

/** Beyond this many the oldest are written as they are. */
export const MAX_PENDING_ALERTS = 256

/** How a transaction, or the whole flow where it is null, was ended. */
interface Ending {
  readonly verdict: 'blocked' | 'dropped'
  readonly transaction: HttpTransaction | null
  readonly status: number | null
}

export class PendingAlerts {
  readonly #sink: AlertSink
  #events: AlertEvent[] = []
  #ending: Ending | null = null

  constructor(sink: AlertSink) {
    this.#sink = sink
  }

  /** Keeps an alert until its transaction is committed or concluded. */
  add(event: AlertEvent): void {
    if (this.#ending !== null && isCovered(event, this.#ending)) {
      this.#sink.alert(ended(event, this.#ending))
      return
    }
    if (this.#events.length >= MAX_PENDING_ALERTS) this.commitAll()
    this.#events.push(event)
  }

  /** What was found in this transaction, and in bytes of no transaction, has been let go. */
  commit(transaction: HttpTransaction | null): void {
    if (this.#events.length === 0) return
    this.#take((event) => event.transaction === transaction || event.transaction === null, null)
  }

  commitAll(): void {
    if (this.#events.length === 0) return
    this.#take(() => true, null)
  }

  /**
   * The transaction was stopped: its alerts say so, those that are still to come too.
   *
   * @param transaction null: the whole flow
   * @param status      of the answer in place of the server's; null: there is none
   */
  conclude(
    verdict: Ending['verdict'],
    transaction: HttpTransaction | null,
    status: number | null,
  ): void {
    const whose = verdict === 'dropped' ? null : transaction
    const ending: Ending = { verdict, transaction: whose, status }
    this.#ending ??= ending
    this.#take((event) => isCovered(event, ending), ending)
  }

  /** What was concluded is over and told; the connection goes on. */
  reopen(): void {
    this.#ending = null
  }

  #take(isTaken: (event: AlertEvent) => boolean, ending: Ending | null): void {
    const events = this.#events
    this.#events = []
    for (const event of events) {
      if (!isTaken(event)) this.#events.push(event)
      else this.#sink.alert(ending === null ? event : ended(event, ending))
    }
  }
}

const isCovered = (event: AlertEvent, { transaction }: Ending): boolean =>
  transaction === null || event.transaction === null || event.transaction === transaction

/** Of an alert that tells of a failure nothing changes. */
function ended(event: AlertEvent, { verdict, status }: Ending): AlertEvent {
  if (event.verdict === 'bypassed') return event
  const { context, connection, transaction, alert, flow } = event
  return status === null
    ? { context, connection, transaction, alert, verdict, flow }
    : { context, connection, transaction, alert, verdict, status, flow }
}
