import { KEY_PREFIX } from '#chain/model/redis-keys.ts'

/** Keys that the manager alone uses. What agents and workers read is in `model/redis-keys.ts`. */

/** Kinds of resource that are desired state; each is a hash of `scopedKey` -> Stored JSON. */
export type ResourceKind = 'port' | 'chain' | 'attachment' | 'rule-set'

export const resourceKey = (kind: ResourceKind): string => `${KEY_PREFIX}:desired:${kind}`

/** Counter: the revision of desired state. */
export const REVISION_KEY = `${KEY_PREFIX}:revision`
/** String: the epoch of snapshots. */
export const EPOCH_KEY = `${KEY_PREFIX}:epoch`
/** Stream: who changed what, one entry per write. */
export const AUDIT_KEY = `${KEY_PREFIX}:audit`
/** Hash of token id -> TokenRecord JSON. */
export const TOKENS_KEY = `${KEY_PREFIX}:tokens`
/** String `epoch.generation` of the envelope at `hostSnapshotKey`, for compare-and-set. */
export const snapshotHeadKey = (host: string): string => `${KEY_PREFIX}:host:${host}:head`

/** Entries the audit stream keeps, about. */
export const MAX_AUDIT_ENTRIES = 100_000
