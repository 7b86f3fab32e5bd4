import type { PortEntry } from '#chain/model/attachment.ts'

/** Ports `value` under `mask`: p matches when (p & mask) === value. */
export interface PortMask {
  readonly value: number
  readonly mask: number
}

/**
 * The fewest aligned masks that match exactly the ports of a list; 'any' is no mask at all. Overlapping
 * and adjoining entries are merged first. A range needs at most 30 masks.
 *
 * @param entries ports and inclusive ranges, 1..65535
 */
export function portMasks(entries: 'any' | readonly PortEntry[]): readonly PortMask[] | 'any' {
  if (entries === 'any') return 'any'
  const ranges = entries
    .map((entry) => (typeof entry === 'number' ? { from: entry, to: entry } : entry))
    .sort((a, b) => a.from - b.from)
  const masks: PortMask[] = []
  let covered = -1
  for (let index = 0; index < ranges.length;) {
    let { from, to } = ranges[index++]
    while (index < ranges.length && ranges[index].from <= to + 1)
      to = Math.max(to, ranges[index++].to)
    from = Math.max(from, covered + 1)
    covered = to
    while (from <= to) {
      // The largest aligned block that starts here and does not reach over the end.
      let size = from === 0 ? 65_536 : from & -from
      while (from + size - 1 > to) size >>= 1
      masks.push({ value: from, mask: 0x1_0000 - size })
      from += size
    }
  }
  return masks
}
