import { MAX_RECORD_BYTES, MAX_RECORD_VARIABLES } from '../transaction/persistent-store.ts'

/** Bounds of what workers tell each other of persistent collections: all of it is made of the traffic. */

/** How often a worker tells its changes, and after how long it asks again for a record that it goes on using. */
export const FLUSH_MS = 50
export const REFRESH_MS = 1_000
/** How long a worker waits for the answer to a batch. */
export const ANSWER_TIMEOUT_MS = 1_000
/** Records of a worker that have something to tell; beyond it the oldest are forgotten. */
export const MAX_DIRTY_RECORDS = 20_000

/** Variables of one record, and bytes of their names and values, that are to be told. */
export const MAX_PENDING_VARIABLES = 2 * MAX_RECORD_VARIABLES
export const MAX_PENDING_BYTES = 2 * MAX_RECORD_BYTES
/** Records of one batch, and bytes of its names and values. */
export const MAX_BATCH_RECORDS = 500
export const MAX_BATCH_BYTES = 262_144

/** Batches of one worker that a supervisor takes within a second: honest ones send a batch every FLUSH_MS. */
export const MAX_BATCHES_PER_SECOND = 40
/** Bytes of an answer to a batch; records that do not fit are left out, and asked for again. */
export const MAX_ANSWER_BYTES = 524_288
export const MAX_RECORD_KEY_LENGTH = 512
/** Bytes of the records that a new worker is told of before it begins: those that were used last. */
export const MAX_KNOWN_BYTES = 524_288
/** Bytes of the changed records of a batch that the other workers are told of; for the rest they ask. */
export const MAX_SPREAD_BYTES = 16_384
/** Records that a worker was told of and has not used yet. */
export const MAX_KNOWN_RECORDS = 20_000

/** What a supervisor keeps for all workers of its domain; beyond it the least recently used go. */
export const MAX_KEPT_RECORDS = 50_000
export const MAX_KEPT_BYTES = 33_554_432
