import type { Variable } from '../transaction/persistent-store.ts'
import type { PendingChange } from './pending-changes.ts'

/** What one worker did to a record since it last told of it; nothing: it only asks. */
export interface RecordChanges {
  /** Of all workers, chains and collections; what came of the traffic is in it as a digest. */
  readonly key: string
  /** The record is gone so long after its last change. */
  readonly timeoutMs: number
  readonly changes: readonly (readonly [name: string, change: PendingChange])[]
}

/** What all who share a record have made of it. */
export interface MergedRecord {
  readonly variables: readonly Variable[]
  /** Null: the record is not there. */
  readonly createdAt: number | null
  readonly updates: number
}

/** A record by its key. */
export type KnownRecord = readonly [key: string, record: MergedRecord]

/** Where workers that share records meet: increments are added up, everything else is last writer wins. */
export interface SharedRecords {
  /** True when a batch would get there now. */
  readonly isReady: boolean
  /**
   * @param nowMs the worker's clock
   * @returns in the order of the batch; null for what was not answered, and may have been counted. Never rejects.
   */
  merge(nowMs: number, batch: readonly RecordChanges[]): Promise<readonly (MergedRecord | null)[]>
  close(): void
}
