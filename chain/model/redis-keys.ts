/**
 * Names in Redis that more than one process uses. The braces are a hash tag: all keys live in one
 * slot of a cluster, so scripts may touch several.
 */
export const KEY_PREFIX = '{portcullis}'

/** String: a SnapshotEnvelope as JSON. Written by the manager, read by the host's agent. */
export const hostSnapshotKey = (host: string): string => `${KEY_PREFIX}:host:${host}:snapshot`

/** String with PX expiry: a HostStatus as JSON. Written by the agent alone. */
export const hostStatusKey = (host: string): string => `${KEY_PREFIX}:host:${host}:status`

/** Pub/sub channel, a hint only: the payload is `epoch.generation`. Agents also poll. */
export const hostSnapshotChannel = (host: string): string => `${KEY_PREFIX}:host:${host}:changed`

/** Set of host names that have ever reported. */
export const HOSTS_KEY = `${KEY_PREFIX}:hosts`

/** Pub/sub channel, a hint only: the payload is the name of the host whose status changed. */
export const STATUS_CHANNEL = `${KEY_PREFIX}:status`

/** String: the bytes of a rule set bundle (tar.gz) by its SHA-256. */
export const bundleKey = (sha256: string): string => `${KEY_PREFIX}:bundle:${sha256}`

/** BullMQ: queue that carries batches of alert records, and its key prefix. */
export const ALERT_QUEUE = 'alerts'
export const ALERT_QUEUE_PREFIX = KEY_PREFIX

/** Lease after which an agent that does not report counts as gone. */
export const HOST_STATUS_TTL_MS = 15_000
