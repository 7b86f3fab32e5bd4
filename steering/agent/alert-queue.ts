import { Queue } from 'bullmq'
import type { Redis } from 'ioredis'
import { ALERT_QUEUE, ALERT_QUEUE_PREFIX } from '#chain/model/redis-keys.ts'
import type { SendBatch } from './shipper.ts'

/** Attempts of the inbox at one batch, and how long a finished one is remembered to know a repeat. */
const ATTEMPTS = 20
const RETRY_MS = 1000
const REMEMBERED_SECONDS = 3600
const REMEMBERED_JOBS = 10_000

/** The producing end of the manager's alert queue. Fails fast: what it does not take stays spooled. */
export class AlertQueue {
  readonly #redis: Redis
  readonly #onError: (error: Error) => void
  #queue: Queue | null = null

  /** @param redis a connection for commands; it is not closed with the queue */
  constructor(redis: Redis, onError: (error: Error) => void) {
    this.#redis = redis
    this.#onError = onError
  }

  readonly send: SendBatch = async (jobId, batch) => {
    if (this.#redis.status !== 'ready') throw new Error('Redis is away')
    this.#queue ??= this.#open()
    await this.#queue.add('batch', batch, { jobId })
  }

  async close(): Promise<void> {
    await this.#queue?.close()
  }

  #open(): Queue {
    const queue = new Queue(ALERT_QUEUE, {
      connection: this.#redis,
      prefix: ALERT_QUEUE_PREFIX,
      skipWaitingForReady: true,
      defaultJobOptions: {
        attempts: ATTEMPTS,
        backoff: { type: 'exponential', delay: RETRY_MS },
        removeOnComplete: { age: REMEMBERED_SECONDS, count: REMEMBERED_JOBS },
      },
    })
    queue.on('error', this.#onError)
    return queue
  }
}
