import { type Job, Worker } from 'bullmq'
import type { Redis } from 'ioredis'
import { Compile } from 'typebox/compile'
import { type AlertBatch, AlertRecord } from '#chain/model/eve.ts'
import { MAX_BATCH_RECORDS } from '#chain/model/eve-values.ts'
import { ALERT_QUEUE, ALERT_QUEUE_PREFIX } from '#chain/model/redis-keys.ts'
import type { AlertFeed } from './feed.ts'
import type { Inbox } from './inbox.ts'

/** How often the inbox's bounds are looked at. */
export const PRUNE_MS = 60_000
/** Finished jobs that Redis keeps: enough to recognise a repeat soon, no more. */
export const KEPT_JOBS = 1000

/** Counts since the start. */
export interface AlertCounts {
  batches: number
  stored: number
  /** Delivered again; the inbox had them. */
  repeated: number
  /** Not EVE alert records as the model has them. */
  unreadable: number
}

export interface AlertWorkerOptions {
  /** A connection that waits (`openWaitingRedis`). */
  readonly redis: Redis
  readonly inbox: Inbox
  readonly feed: AlertFeed
  readonly log: (message: string) => void
}

const recordSchema = Compile(AlertRecord)

/** Takes batches off the queue into the inbox. A batch is acknowledged when SQLite has it. */
export class AlertWorker {
  readonly counts: AlertCounts = { batches: 0, stored: 0, repeated: 0, unreadable: 0 }
  readonly #options: AlertWorkerOptions
  readonly #worker: Worker<AlertBatch>
  readonly #timer: NodeJS.Timeout

  constructor(options: AlertWorkerOptions) {
    this.#options = options
    this.#worker = new Worker<AlertBatch>(ALERT_QUEUE, async (job) => this.#take(job), {
      connection: options.redis,
      prefix: ALERT_QUEUE_PREFIX,
      removeOnComplete: { count: KEPT_JOBS },
      removeOnFail: { count: KEPT_JOBS },
    })
    this.#worker.on('failed', (_job, error) => {
      options.log(`a batch of alerts could not be stored and is retried: ${error.message}`)
    })
    // Redis away: the worker reconnects by itself and the API reports it.
    this.#worker.on('error', () => {})
    this.#timer = setInterval(() => this.#prune(), PRUNE_MS)
    this.#timer.unref()
  }

  async close(): Promise<void> {
    clearInterval(this.#timer)
    await this.#worker.close()
  }

  async #take(job: Job<AlertBatch>): Promise<void> {
    const given: unknown = (job.data as Partial<AlertBatch> | null)?.records
    const candidates: unknown[] = Array.isArray(given) ? given.slice(0, MAX_BATCH_RECORDS) : []
    const records = candidates.filter((record): record is AlertRecord => recordSchema.Check(record))
    const surplus = (Array.isArray(given) ? given.length : 1) - records.length
    const added = this.#options.inbox.add(records)
    this.counts.batches++
    this.counts.stored += added.length
    this.counts.repeated += records.length - added.length
    this.counts.unreadable += surplus
    if (surplus > 0) {
      this.#options.log(
        `batch ${job.id}: ${surplus} of its records are not alerts and were dropped`,
      )
    }
    if (added.length > 0) this.#options.feed.announce()
  }

  #prune(): void {
    const removed = this.#options.inbox.prune(Date.now())
    if (removed > 0) setImmediate(() => this.#prune())
  }
}
