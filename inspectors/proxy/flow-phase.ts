/**
 * What an inspected connection is in.
 *
 *     detecting -> http -> raw         another protocol, a tunnel, or no hop is left
 *                       -> deferred    our last answer waits: for the disk, for answers to earlier requests
 *                       -> over        answered by us, or reset
 */
export type FlowPhase = 'detecting' | 'http' | 'raw' | 'deferred' | 'over'
