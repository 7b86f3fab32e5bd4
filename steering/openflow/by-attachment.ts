import type { TrackedConnection } from './conntrack.ts'
import type { InstalledFlow } from './flow-text.ts'
import type { AttachmentCounters, ConnectionTuple } from './switch-controller-interface.ts'

/** The number of the attachment is the low half of the cookie of its flows. */
const NUMBER_MASK = 0xffff_ffffn

/**
 * Packets and bytes that flows have counted, by attachment key.
 *
 * @param keys attachment keys by number; flows of others are left out
 */
export function countersOf(
  flows: readonly InstalledFlow[],
  keys: ReadonlyMap<number, string>,
): ReadonlyMap<string, AttachmentCounters> {
  const counters = new Map<string, AttachmentCounters>()
  for (const flow of flows) {
    const key = keys.get(Number(flow.cookie & NUMBER_MASK))
    if (key === undefined) continue
    const before = counters.get(key) ?? { packets: 0, bytes: 0 }
    counters.set(key, {
      packets: before.packets + flow.packets,
      bytes: before.bytes + flow.bytes,
    })
  }
  return counters
}

/**
 * Connections by attachment key, each once, though conntrack may tell of both its legs.
 *
 * @param keys attachment keys by number; connections of others are left out
 */
export function connectionsOf(
  inspected: readonly TrackedConnection[],
  keys: ReadonlyMap<number, string>,
): ReadonlyMap<string, readonly ConnectionTuple[]> {
  const found = new Map<string, Map<string, ConnectionTuple>>()
  for (const { attachment, tuple } of inspected) {
    const key = keys.get(attachment)
    if (key === undefined) continue
    const tuples = found.get(key) ?? new Map<string, ConnectionTuple>()
    tuples.set(JSON.stringify(tuple), tuple)
    found.set(key, tuples)
  }
  return new Map([...found].map(([key, tuples]) => [key, [...tuples.values()]]))
}
