import { createHash } from 'node:crypto'
import { KEY_PREFIX } from '#chain/model/redis-keys.ts'
import type { PersistentCollection } from '#signatures/seclang/model.ts'
import {
  type Change,
  LocalPersistentStore,
  type PersistentRecord,
  type PersistentStore,
  type RecordObserver,
} from '../transaction/persistent-store.ts'
import {
  FLUSH_MS,
  MAX_BATCH_BYTES,
  MAX_BATCH_RECORDS,
  MAX_DIRTY_RECORDS,
  MAX_KNOWN_RECORDS,
  REFRESH_MS,
} from './limits.ts'
import { PendingChanges } from './pending-changes.ts'
import type { KnownRecord, MergedRecord, SharedRecords } from './shared-records.ts'

interface SharedRecord {
  readonly record: PersistentRecord
  readonly key: string
  readonly changes: PendingChanges
  askedAt: number
  /** Changes are on their way: what others made of the record may be without them. */
  isTold: boolean
}

/**
 * Persistent collections (IP, SESSION, ...) that workers share.
 *
 * Rules are run without waiting, so they read and write a copy in the worker, always. Changes are
 * gathered and told every FLUSH_MS to where the workers meet; the answer is what all of them together have
 * made of the record, and becomes the copy. A record that is used and not changed is asked for again after
 * REFRESH_MS.
 *
 * So a worker sees what it did itself at once, what others did after about FLUSH_MS plus a round trip
 * once it uses the record or is told of it (`know`), and an increment is never lost by two that happen together. A
 * record that is new to a worker, and that it was not told of, is empty in the transaction that first names it.
 *
 * While nobody can be told the copies go on, and changes are kept (one per variable) until somebody can; beyond
 * MAX_DIRTY_RECORDS the oldest are forgotten. A batch that was sent and not answered is not repeated:
 * it may have been counted.
 */
export class SharedCollections {
  readonly #records: SharedRecords
  readonly #now: () => number
  readonly #dirty = new Set<SharedRecord>()
  readonly #timer: NodeJS.Timeout
  readonly #known = new Map<string, MergedRecord>()
  #flushing: Promise<void> | null = null
  #forgotten = 0

  constructor(records: SharedRecords, now: () => number = Date.now) {
    this.#records = records
    this.#now = now
    this.#timer = setInterval(() => void this.flush(), FLUSH_MS)
    this.#timer.unref()
  }

  /** Records whose changes were given up because nobody could be told for too long. */
  get forgottenRecords(): number {
    return this.#forgotten
  }

  /** True when a batch would be merged now. */
  get isConnected(): boolean {
    return this.#records.isReady
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
          const recordKey = recordKeyOf(scope, collection, key)
          const changes = new PendingChanges()
          state = { record, key: recordKey, changes, askedAt: -Infinity, isTold: false }
          states.set(record, state)
        }
        if (this.#known.size > 0) this.#recall(state, nowMs)
        if (nowMs - state.askedAt >= REFRESH_MS) this.#want(state)
        return record
      },
    }
  }

  /** What others made of records: they are so when a transaction names them next. */
  know(records: readonly KnownRecord[]): void {
    for (const [key, record] of records) {
      this.#known.delete(key)
      this.#known.set(key, record)
    }
    for (const key of this.#known.keys()) {
      if (this.#known.size <= MAX_KNOWN_RECORDS) return
      this.#known.delete(key)
    }
  }

  /** Tells one batch; what comes in meanwhile goes with the next. */
  flush(): Promise<void> {
    if (!this.#records.isReady || this.#dirty.size === 0) return Promise.resolve()
    this.#flushing ??= this.#tell().finally(() => (this.#flushing = null))
    return this.#flushing
  }

  /** Tells what is left, as far as it goes into one batch. */
  async close(): Promise<void> {
    clearInterval(this.#timer)
    await this.#flushing
    await this.flush()
    this.#records.close()
  }

  async #tell(): Promise<void> {
    const nowMs = this.#now()
    const batch = this.#takeBatch()
    const merged = await this.#records.merge(
      nowMs,
      batch.map(({ record, key, changes }) => ({
        key,
        timeoutMs: record.timeoutMs,
        changes: changes.take(),
      })),
    )
    for (const [index, state] of batch.entries()) {
      state.askedAt = nowMs
      state.isTold = false
      const answer = merged[index] ?? null
      // What came right behind the answer is newer than it.
      const known = this.#known.get(state.key)
      if (answer !== null && known !== undefined && known.updates <= answer.updates)
        this.#known.delete(state.key)
      adopt(state, answer, nowMs)
    }
  }

  /** The oldest, of which there is one at least. */
  #takeBatch(): SharedRecord[] {
    const batch: SharedRecord[] = []
    let bytes = 0
    for (const state of this.#dirty) {
      bytes += state.key.length + state.changes.bytes
      const isFull = batch.length >= MAX_BATCH_RECORDS || bytes > MAX_BATCH_BYTES
      if (isFull && batch.length > 0) break
      batch.push(state)
      state.isTold = true
      this.#dirty.delete(state)
    }
    return batch
  }

  #recall(state: SharedRecord, nowMs: number): void {
    const known = state.isTold ? undefined : this.#known.get(state.key)
    if (known === undefined) return
    this.#known.delete(state.key)
    const { timeoutMs } = state.record
    const { variables } = known
    const isOver = variables.every(({ updatedAt }) => nowMs - updatedAt > timeoutMs)
    if (variables.length === 0 || !isOver) adopt(state, known, nowMs)
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
}

/** @param merged null: no answer. The copy goes on, and asks again when it is used. */
function adopt(
  { record, changes }: SharedRecord,
  merged: MergedRecord | null,
  nowMs: number,
): void {
  // Nobody has it, or it timed out for all: the copy times out by itself.
  if (merged === null || merged.createdAt === null) return
  const live = merged.variables.filter((variable) => variable.expiresAt > nowMs)
  record.adopt(changes.applyTo(live, nowMs), merged.createdAt, merged.updates)
}

/** Keys come of the traffic: a hash bounds them and keeps their bytes out of where they are told. */
function recordKeyOf(scope: string, collection: PersistentCollection, key: string): string {
  const digest = createHash('sha256').update(key, 'latin1').digest('base64url')
  return `${KEY_PREFIX}:waf:${scope}:${collection}:${digest}`
}
