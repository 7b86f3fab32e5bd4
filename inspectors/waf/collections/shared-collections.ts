import { createHash } from 'node:crypto'
import type { Redis } from 'ioredis'
import { KEY_PREFIX } from '#chain/model/redis-keys.ts'
import type { PersistentCollection } from '#signatures/seclang/model.ts'
import {
  type Change,
  LocalPersistentStore,
  type PersistentRecord,
  type PersistentStore,
  type RecordObserver,
} from '../transaction/persistent-store.ts'
import { MERGE_SCRIPT, mergeArguments, readMerged } from './merge-script.ts'
import { PendingChanges } from './pending-changes.ts'

/**
 * Persistent collections (IP, SESSION, ...) that workers share in Redis.
 *
 * Rules are run without waiting, so they read and write a copy in the worker, always. Changes are
 * gathered and told to Redis every FLUSH_MS, where increments are added up and everything else is last
 * writer wins; the answer is what all workers together have made of the record, and becomes the copy. A
 * record that is used and not changed is asked for again after REFRESH_MS.
 *
 * So a worker sees what it did itself at once, what others did after about FLUSH_MS plus a round trip
 * once it has the record, and an increment is never lost by two that happen together. A record that is new
 * to a worker is empty in the transaction that first names it.
 *
 * While Redis is away the copies go on, and changes are kept (one per variable) until it is back; beyond
 * MAX_DIRTY_RECORDS the oldest are forgotten. A batch that was sent and not acknowledged is not repeated:
 * it may have been counted.
 */
export const FLUSH_MS = 50
export const REFRESH_MS = 1_000
export const MAX_DIRTY_RECORDS = 20_000
/** Records of one batch. */
export const MAX_BATCH = 500
const COMMAND_TIMEOUT_MS = 1_000
const RETRY_MAX_MS = 2_000

interface SharedRecord {
  readonly record: PersistentRecord
  readonly redisKey: string
  readonly changes: PendingChanges
  askedAt: number
}

type Merger = Redis & {
  portcullisMerge(key: string, ...args: string[]): Promise<unknown>
}

export class SharedCollections {
  readonly #now: () => number
  readonly #dirty = new Set<SharedRecord>()
  readonly #timer: NodeJS.Timeout
  #redis: Merger | null = null
  #isFlushing = false
  #isClosed = false
  #forgotten = 0

  /** @param url `redis://`, `rediss://` or `unix:/path`; the connection is made in the background */
  constructor(url: string, now: () => number = Date.now) {
    this.#now = now
    this.#timer = setInterval(() => void this.flush(), FLUSH_MS)
    this.#timer.unref()
    void this.#connect(url)
  }

  /** Records whose changes were given up because Redis was away too long. */
  get forgottenRecords(): number {
    return this.#forgotten
  }

  /** True when a batch would reach Redis now. */
  get isConnected(): boolean {
    return this.#redis?.status === 'ready'
  }

  /**
   * @param scope chain whose rules own the collections: others have their own under the same names
   * @param timeoutSeconds after which a record that nobody changes is gone
   */
  store(scope: string, timeoutSeconds: number): PersistentStore {
    const states = new WeakMap<PersistentRecord, SharedRecord>()
    const observer: RecordObserver = {
      changed: (record, name, change) => {
        const state = states.get(record)
        if (state !== undefined) this.#note(state, name, change)
      },
    }
    const local = new LocalPersistentStore(timeoutSeconds, observer)
    return {
      open: (collection, key, nowMs) => {
        const record = local.open(collection, key, nowMs)
        let state = states.get(record)
        if (state === undefined) {
          const redisKey = redisKeyOf(scope, collection, key)
          state = { record, redisKey, changes: new PendingChanges(), askedAt: -Infinity }
          states.set(record, state)
        }
        if (nowMs - state.askedAt >= REFRESH_MS) this.#want(state)
        return record
      },
    }
  }

  /** Tells one batch; what comes in meanwhile goes with the next. */
  async flush(): Promise<void> {
    const redis = this.#redis
    if (this.#isFlushing || redis?.status !== 'ready' || this.#dirty.size === 0) return
    this.#isFlushing = true
    try {
      const batch = [...this.#dirty].slice(0, MAX_BATCH)
      const nowMs = this.#now()
      await Promise.all(batch.map((state) => this.#merge(redis, state, nowMs)))
    } finally {
      this.#isFlushing = false
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true
    clearInterval(this.#timer)
    await this.flush()
    this.#redis?.disconnect()
  }

  async #merge(redis: Merger, state: SharedRecord, nowMs: number): Promise<void> {
    this.#dirty.delete(state)
    state.askedAt = nowMs
    const { record } = state
    const args = mergeArguments(nowMs, record.timeoutMs, state.changes.take())
    try {
      const merged = readMerged(await redis.portcullisMerge(state.redisKey, ...args))
      // Nobody has it, or it timed out for all: the copy times out by itself.
      if (merged.createdAt === null) return
      const live = merged.variables.filter((variable) => variable.expiresAt > nowMs)
      record.adopt(state.changes.applyTo(live, nowMs), merged.createdAt, merged.updates)
    } catch {
      // Away, or too slow: the copy goes on, and asks again when it is used.
    }
  }

  #note(state: SharedRecord, name: string, change: Change): void {
    state.changes.add(name, change)
    this.#want(state)
  }

  #want(state: SharedRecord): void {
    if (this.#dirty.has(state)) return
    if (this.#dirty.size >= MAX_DIRTY_RECORDS) {
      const [oldest] = this.#dirty
      this.#dirty.delete(oldest)
      if (!oldest.changes.isEmpty) this.#forgotten += 1
      oldest.changes.take()
    }
    this.#dirty.add(state)
  }

  async #connect(url: string): Promise<void> {
    // Loaded where it is used: most workers have no Redis.
    const { Redis } = await import('ioredis')
    const options = {
      enableOfflineQueue: false,
      maxRetriesPerRequest: 0,
      commandTimeout: COMMAND_TIMEOUT_MS,
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

/** Keys come of the traffic: a hash bounds them and keeps their bytes out of Redis. */
function redisKeyOf(scope: string, collection: PersistentCollection, key: string): string {
  const digest = createHash('sha256').update(key, 'latin1').digest('base64url')
  return `${KEY_PREFIX}:waf:${scope}:${collection}:${digest}`
}
