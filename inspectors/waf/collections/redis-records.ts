import type { Redis } from 'ioredis'
import { ANSWER_TIMEOUT_MS } from './limits.ts'
import { MERGE_SCRIPT, mergeArguments, readMerged } from './merge-script.ts'
import type { MergedRecord, RecordChanges, SharedRecords } from './shared-records.ts'

const RETRY_MAX_MS = 2_000

type Merger = Redis & {
  portcullisMerge(key: string, ...args: string[]): Promise<unknown>
}

/** Records that workers share in Redis: each is merged by a script, in one step. */
export class RedisRecords implements SharedRecords {
  #redis: Merger | null = null
  #isClosed = false

  /** @param url `redis://`, `rediss://` or `unix:/path`; the connection is made in the background */
  constructor(url: string) {
    void this.#connect(url)
  }

  get isReady(): boolean {
    return this.#redis?.status === 'ready'
  }

  merge(nowMs: number, batch: readonly RecordChanges[]): Promise<(MergedRecord | null)[]> {
    const redis = this.#redis
    return Promise.all(
      batch.map(async ({ key, timeoutMs, changes }) => {
        try {
          const args = mergeArguments(nowMs, timeoutMs, changes)
          return redis === null ? null : readMerged(await redis.portcullisMerge(key, ...args))
        } catch {
          // Away, or too slow.
          return null
        }
      }),
    )
  }

  close(): void {
    this.#isClosed = true
    this.#redis?.disconnect()
  }

  async #connect(url: string): Promise<void> {
    // Loaded where it is used: most workers have no Redis.
    const { Redis } = await import('ioredis')
    const options = {
      enableOfflineQueue: false,
      maxRetriesPerRequest: 0,
      commandTimeout: ANSWER_TIMEOUT_MS,
      enableAutoPipelining: true,
      scripts: { portcullisMerge: { lua: MERGE_SCRIPT, numberOfKeys: 1 } },
      retryStrategy: (times: number) => Math.min(100 * 2 ** Math.min(times, 10), RETRY_MAX_MS),
    }
    const redis = url.startsWith('unix:')
      ? new Redis({ ...options, path: url.slice('unix:'.length).replace(/^\/\//, '') })
      : new Redis(url, options)
    // Reported by nobody waiting: being away is a state, and the next attempt is on its way.
    redis.on('error', () => {})
    if (this.#isClosed) redis.disconnect()
    else this.#redis = redis as Merger
  }
}
