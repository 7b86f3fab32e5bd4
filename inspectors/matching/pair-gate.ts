/** Where in a text patterns of 2 to 6 bytes may lie: two bytes at an even place tell. */
import { commonness, ENTRY_WORDS, type GramTable, PLACE_BITS, PLACE_MASK } from './gram-tables.ts'

/** Both cases of a letter; of other bytes the byte itself, twice. */
function casesOf(byte: number): readonly [number, number] {
  return [byte, byte >= 0x61 && byte <= 0x7a ? byte - 0x20 : byte]
}

/**
 * Bit `first | second << 8` of two bytes at an even place, as they stand in the text: a pattern of 2 to 6 bytes may have a
 * gram here, or, of two bytes, lie around it.
 *
 * @param patterns latin1, ASCII letters in lower case
 * @returns null when none of them has 2 to 6 bytes
 */
export function gateOf(
  patterns: readonly string[],
  middle: GramTable | null,
  short: GramTable | null,
): Int32Array | null {
  const gate = new Int32Array(2048)
  let hasPairs = false
  const open = (first: number, second: number): void => {
    for (const low of casesOf(first))
      for (const high of casesOf(second)) {
        const pair = low | (high << 8)
        gate[pair >>> 5] |= 1 << pair
      }
  }
  for (const table of [middle, short]) {
    if (table === null) continue
    for (let entry = 0; entry < table.entries.length; entry += ENTRY_WORDS) {
      const place = table.entries[entry + 1]
      const pattern = patterns[place >> PLACE_BITS]
      const offset = place & PLACE_MASK
      open(pattern.charCodeAt(offset), pattern.charCodeAt(offset + 1))
    }
  }
  for (let id = 0; id < patterns.length; id += 1) {
    if (patterns[id].length !== 2) continue
    const first = patterns[id].charCodeAt(0)
    const second = patterns[id].charCodeAt(1)
    hasPairs = true
    open(first, second)
    // At an odd place it is met by one of its bytes: by the one that text has less.
    const isFirst = commonness(first) <= commonness(second)
    for (let byte = 0; byte < 256; byte += 1)
      if (isFirst) open(byte, first)
      else open(second, byte)
  }
  return middle === null && short === null && !hasPairs ? null : gate
}

/** Patterns of one byte, by each byte that they may stand as; -1: none. */
export function idsOfBytes(patterns: readonly string[]): Int32Array {
  const ids = new Int32Array(256).fill(-1)
  for (let id = 0; id < patterns.length; id += 1)
    if (patterns[id].length === 1)
      for (const byte of casesOf(patterns[id].charCodeAt(0))) ids[byte] = id
  return ids
}
