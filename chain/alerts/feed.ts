import type { AlertFilter } from './alert-query.ts'
import type { Inbox, StoredAlert } from './inbox.ts'

/** Most live streams at once. */
export const MAX_STREAMS = 256
/** Alerts that one reading hands to a stream. */
const READ_STEP = 200

/** A live stream: what it wants and where it is. */
interface Subscriber {
  readonly filter: AlertFilter
  seq: number
  /** Hands over one alert; false: no more room, wait for `resume`. */
  readonly deliver: (alert: StoredAlert) => boolean
  isPaused: boolean
}

export interface Subscription {
  /** The consumer has room again. */
  readonly resume: () => void
  readonly cancel: () => void
}

/**
 * Live alerts. A stream always reads from the inbox, by sequence number: a slow one falls behind
 * without memory, catches up by itself, and misses nothing that is still kept.
 */
export class AlertFeed {
  readonly #inbox: Inbox
  readonly #subscribers = new Set<Subscriber>()

  constructor(inbox: Inbox) {
    this.#inbox = inbox
  }

  get streams(): number {
    return this.#subscribers.size
  }

  /** @returns null when MAX_STREAMS are open */
  subscribe(
    filter: AlertFilter,
    fromSeq: number,
    deliver: (alert: StoredAlert) => boolean,
  ): Subscription | null {
    if (this.#subscribers.size >= MAX_STREAMS) return null
    const subscriber: Subscriber = { filter, seq: fromSeq, deliver, isPaused: false }
    this.#subscribers.add(subscriber)
    this.#advance(subscriber)
    return {
      resume: () => {
        subscriber.isPaused = false
        this.#advance(subscriber)
      },
      cancel: () => {
        this.#subscribers.delete(subscriber)
      },
    }
  }

  /** New alerts are in the inbox. */
  announce(): void {
    for (const subscriber of this.#subscribers) this.#advance(subscriber)
  }

  #advance(subscriber: Subscriber): void {
    while (!subscriber.isPaused && this.#subscribers.has(subscriber)) {
      const alerts = this.#inbox.after(subscriber.seq, subscriber.filter, READ_STEP)
      for (const alert of alerts) {
        subscriber.seq = alert.seq
        if (!subscriber.deliver(alert)) {
          subscriber.isPaused = true
          break
        }
      }
      if (alerts.length < READ_STEP) return
    }
  }
}
