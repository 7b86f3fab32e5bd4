import type { DomainConfig } from '#chain/model/domain.ts'
import type { KnownRecord, MergedRecord, RecordChanges } from '../waf/collections/shared-records.ts'
import type { OutputOptions } from './outputs.ts'
import type { Samples } from './samples.ts'

/** Messages between the supervisor and one worker, over the IPC channel of `child_process.fork`. */

/** Descriptor under which a worker inherits the listening socket: 0-2 standard, 3 IPC. */
export const WORKER_LISTEN_FD = 4
/** The packet socket, where the domain has one. */
export const WORKER_DATAGRAM_FD = 5

/** How often the supervisor asks, and how long a worker may be silent before it counts as hung. */
export const HEARTBEAT_MS = 500
export const HUNG_AFTER_MS = 2_000
/** The same while a worker compiles its rules, which it does without a break. */
export const LOAD_DEADLINE_MS = 120_000
/** What connections get when the supervisor is gone and nobody could ask for more. */
export const ORPHAN_DRAIN_MS = 5_000

/** What a worker did to persistent collections; the supervisor answers with what they are now. */
export interface RecordsQuestion {
  readonly type: 'records'
  readonly id: number
  readonly batch: readonly RecordChanges[]
}

/** In the order of the batch. The end of a variable that has none is null. */
export interface RecordsAnswer {
  readonly type: 'records'
  readonly id: number
  readonly merged: readonly (MergedRecord | null)[]
}

/** Records that other workers have made; as in an answer. */
export interface KnownRecords {
  readonly type: 'known-records'
  readonly records: readonly KnownRecord[]
}

export type WorkerRequest =
  | { readonly type: 'start'; readonly config: DomainConfig; readonly outputs: OutputOptions }
  | { readonly type: 'listen' }
  /** One worker of a domain reads its datagrams. */
  | { readonly type: 'datagrams'; readonly isReader: boolean }
  /** Other ports and attachments, the same chains: nothing is compiled. */
  | { readonly type: 'reattach'; readonly config: DomainConfig }
  /** `isAsked`: somebody wants the end, so nobody needs to be told what it cuts off. */
  | { readonly type: 'drain'; readonly deadlineMs: number; readonly isAsked: boolean }
  | { readonly type: 'ping'; readonly sequence: number }
  | RecordsAnswer
  | KnownRecords

export type WorkerResponse =
  /** Compiled; `chains` says for people what was loaded, `warnings` what of it does not work. */
  | {
      readonly type: 'ready'
      readonly chains: readonly string[]
      readonly warnings: readonly string[]
    }
  /** The configuration cannot be run; the reason names file, line and column. */
  | { readonly type: 'refused'; readonly reason: string }
  | { readonly type: 'listening' }
  /** It was told to drain and has: no connection comes to it any more. */
  | { readonly type: 'closed' }
  | { readonly type: 'reattached'; readonly generation: number }
  | {
      readonly type: 'pong'
      readonly sequence: number
      /** Flows of datagrams are none. */
      readonly connections: number
      readonly samples: Samples
    }
  | RecordsQuestion
