import type { KnownRecords, RecordsAnswer } from '../worker/protocol.ts'
import type { Samples } from '../worker/samples.ts'
import {
  MAX_ANSWER_BYTES,
  MAX_BATCHES_PER_SECOND,
  MAX_BATCH_BYTES,
  MAX_BATCH_RECORDS,
  MAX_KNOWN_BYTES,
  MAX_PENDING_BYTES,
  MAX_PENDING_VARIABLES,
  MAX_RECORD_KEY_LENGTH,
  MAX_SPREAD_BYTES,
} from '../waf/collections/limits.ts'
import type { PendingChange } from '../waf/collections/pending-changes.ts'
import { RecordHub } from '../waf/collections/record-hub.ts'
import type { KnownRecord, MergedRecord, RecordChanges } from '../waf/collections/shared-records.ts'

/** A worker that can be told what others made of records. */
export interface Knower {
  know(records: KnownRecords): void
}

/** What one worker has asked within the second that it is in. */
interface Pace {
  second: number
  batches: number
}

/**
 * Where the workers of a domain share the persistent collections of their WAFs: they outlast workers and rule sets,
 * not the supervisor. A worker may be in an attacker's hands, so what it says is checked, and bounded in size and rate.
 */
export class RecordRelay {
  readonly #workers: Iterable<Knower>
  readonly #hub: RecordHub
  readonly #paces = new WeakMap<object, Pace>()
  #batches = 0
  #refused = 0

  /** @param workers who share the records, at any time */
  constructor(workers: Iterable<Knower>, hub = new RecordHub()) {
    this.#workers = workers
    this.#hub = hub
  }

  get samples(): Samples {
    return {
      portcullis_collection_batches_total: this.#batches,
      portcullis_collection_batches_refused_total: this.#refused,
      portcullis_collection_records_evicted_total: this.#hub.evicted,
    }
  }

  /**
   * Merges a batch, and tells the others of it.
   *
   * @param worker   whoever asks, by identity
   * @param question what it sent, which may be anything
   * @returns the answer; null: it gets none
   */
  hear(
    worker: object,
    question: { readonly id?: unknown; readonly batch?: unknown },
    nowMs: number,
  ): RecordsAnswer | null {
    const { id } = question
    const batch = this.#isInPace(worker, nowMs) ? readBatch(question.batch) : null
    if (batch === null || typeof id !== 'number') {
      this.#refused += 1
      return null
    }
    this.#batches += 1
    let bytes = 0
    let spreadBytes = 0
    const spread: KnownRecord[] = []
    const merged = batch.map((told): MergedRecord | null => {
      const record = this.#hub.merge(nowMs, told)
      const size = told.key.length + bytesOf(record)
      if (told.changes.length > 0 && (spreadBytes += size) <= MAX_SPREAD_BYTES)
        spread.push([told.key, record])
      return (bytes += size) > MAX_ANSWER_BYTES ? null : record
    })
    if (spread.length > 0) this.#spread(worker, spread)
    return { type: 'records', id, merged }
  }

  /** What a new worker is to know before it begins. */
  known(nowMs: number): KnownRecords {
    return { type: 'known-records', records: this.#hub.recent(nowMs, MAX_KNOWN_BYTES) }
  }

  #spread(from: object, records: readonly KnownRecord[]): void {
    for (const worker of this.#workers)
      if (worker !== from) worker.know({ type: 'known-records', records })
  }

  #isInPace(worker: object, nowMs: number): boolean {
    const second = Math.floor(nowMs / 1000)
    const pace = this.#paces.get(worker) ?? { second, batches: 0 }
    this.#paces.set(worker, pace)
    if (pace.second !== second) {
      pace.second = second
      pace.batches = 0
    }
    pace.batches += 1
    return pace.batches <= MAX_BATCHES_PER_SECOND
  }
}

function bytesOf({ variables }: MergedRecord): number {
  let bytes = 0
  for (const { name, value } of variables) bytes += name.length + value.length
  return bytes
}

/** @returns null for what no worker of ours sends. The last record may go over the bytes of a batch, as it does there. */
function readBatch(value: unknown): RecordChanges[] | null {
  if (!Array.isArray(value) || value.length > MAX_BATCH_RECORDS) return null
  const batch: RecordChanges[] = []
  let bytes = 0
  for (const one of value as unknown[]) {
    const record = readRecord(one)
    if (record === null) return null
    bytes += record.bytes
    batch.push(record.changes)
  }
  return bytes > MAX_BATCH_BYTES + MAX_PENDING_BYTES ? null : batch
}

function readRecord(
  value: unknown,
): { readonly changes: RecordChanges; readonly bytes: number } | null {
  if (typeof value !== 'object' || value === null) return null
  const { key, timeoutMs, changes } = value as Record<string, unknown>
  if (typeof key !== 'string' || key.length > MAX_RECORD_KEY_LENGTH) return null
  if (typeof timeoutMs !== 'number' || !Array.isArray(changes)) return null
  if (changes.length > MAX_PENDING_VARIABLES) return null
  const read: [string, PendingChange][] = []
  let bytes = key.length
  for (const entry of changes as unknown[]) {
    if (!Array.isArray(entry)) return null
    const [name, change] = entry as unknown[]
    if (typeof name !== 'string' || !isChange(change)) return null
    bytes += name.length + change.value.length
    if (bytes > MAX_PENDING_BYTES + MAX_RECORD_KEY_LENGTH) return null
    read.push([name, change])
  }
  return { changes: { key, timeoutMs, changes: read }, bytes }
}

function isChange(value: unknown): value is PendingChange {
  if (typeof value !== 'object' || value === null) return false
  const { base, value: text, amount, expiresAt } = value as Record<string, unknown>
  return (
    (base === 'keep' || base === 'set' || base === 'unset') &&
    typeof text === 'string' &&
    typeof amount === 'number' &&
    (expiresAt === null || typeof expiresAt === 'number')
  )
}
