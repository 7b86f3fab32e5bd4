/**
 * Sequence numbers of TCP count modulo 2^32; their order is that of the shorter way round (RFC 9293, 3.4). They are kept as
 * signed words, which objects hold in place; records and rules show them unsigned.
 */

/** Negative when `a` comes before `b`, 0 when they are the same. */
export function ahead(a: number, b: number): number {
  return (a - b) | 0
}

export function plus(sequence: number, bytes: number): number {
  return (sequence + bytes) | 0
}
