/** Bounds of the data path, per worker or per connection. Each protects the worker from its peers. */

/** Connections that one worker has at a time; further ones are closed as they come and counted. */
export const MAX_CONNECTIONS = 20_000
/** Time for the server to answer the SYN; then the client is reset. */
export const CONNECT_TIMEOUT_MS = 10_000
/** A connection that moved no byte for this long is reset. Above the default keep-alive of TCP (2 h). */
export const IDLE_LIMIT_MS = 8_100_000
/** How often idle connections are looked for. */
export const IDLE_SWEEP_MS = 15_000
/** An HTTP connection of a worker that drains is closed when no message moved for this long. */
export const DRAIN_KEEP_ALIVE_MS = 60_000
/** Connections that were reset have this long to be told to their inspectors. */
export const RESET_GRACE_MS = 500
/** Bytes that may wait to be written to a peer that reads slowly; then its source is not read. */
export const HIGH_WATER_BYTES = 65_536
/** Head and body held for a verdict, per direction of a connection; beyond it the hop has failed. */
export const MAX_HELD_BYTES = 16_777_216
/** The same for all connections of a worker together. */
export const MAX_HELD_BYTES_WORKER = 268_435_456
/** Small chunks that are held are joined when there are this many: a chunk costs more than its bytes. */
export const JOIN_CHUNKS = 256
/** Chunks below this size count as small. */
export const SMALL_CHUNK_BYTES = 1_024
/** After its answer a blocked client may finish sending for this long before it is cut off. */
export const LINGER_MS = 2_000
/** Of a request that was refused before its end, so much is read and thrown away to keep its connection. */
export const MAX_DISCARDED_BYTES = 65_536
/** A block has to wait for answers to earlier requests of the connection; at most this long. */
export const DEFERRED_BLOCK_MS = 10_000
/** Backlog of the listening socket; the kernel caps it at net.core.somaxconn. */
export const LISTEN_BACKLOG = 4_096
/** Flows that are inspected one after the other before the first of them is written. */
export const MAX_BATCHED_FLOWS = 16
/** Bytes of a flow that wait for the end of the turn; with more it is inspected at once. */
export const MAX_TURN_BYTES = 65_536
