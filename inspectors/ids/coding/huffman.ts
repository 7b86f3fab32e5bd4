/**
 * Canonical Huffman codes of DEFLATE (RFC 1951, 3.2.2). Codes of up to so many bits are one look-up; longer
 * ones, which are rare, are walked bit by bit over the counts of each length.
 */
const MAX_BITS = 15
/** Scratch: by the length of codes, where the next symbol goes, and the next code. */
const offsets = new Uint16Array(MAX_BITS + 2)
const next = new Uint16Array(MAX_BITS + 2)
/** The bits of each byte in reverse. */
const REVERSED = Uint8Array.from({ length: 256 }, (_, byte) => {
  let result = 0
  for (let bit = 0; bit < 8; bit += 1) result |= ((byte >> bit) & 1) << (7 - bit)
  return result
})

export interface HuffmanTable {
  /** By the next bits, as many as `mask` has: symbol << 4 | length; 0 where the code is longer or none. */
  readonly fast: Uint16Array
  readonly mask: number
  /** Codes of each length, and the symbols in order of their codes. */
  readonly counts: Uint16Array
  readonly symbols: Uint16Array
}

/**
 * @param lengths code length of each symbol; 0: unused
 * @param fastBits of codes that are one look-up: writing the table costs as much as some look-ups
 * @returns null when the lengths promise more codes than there are
 */
export function buildHuffman(
  lengths: Uint8Array,
  from: number,
  to: number,
  fastBits: number,
): HuffmanTable | null {
  const size = 1 << fastBits
  // One piece of memory: many would cost more than what is written to them.
  const memory = new Uint16Array(size + MAX_BITS + 1 + to - from)
  const fast = memory.subarray(0, size)
  const counts = memory.subarray(size, size + MAX_BITS + 1)
  const symbols = memory.subarray(size + MAX_BITS + 1)
  for (let index = from; index < to; index += 1) counts[lengths[index]] += 1
  counts[0] = 0
  let left = 1
  for (let length = 1; length <= MAX_BITS; length += 1) {
    left = left * 2 - counts[length]
    if (left < 0) return null
  }
  let code = 0
  offsets[1] = 0
  for (let length = 1; length <= MAX_BITS; length += 1) {
    next[length] = code
    offsets[length + 1] = offsets[length] + counts[length]
    code = (code + counts[length]) << 1
  }
  for (let index = from; index < to; index += 1) {
    const length = lengths[index]
    if (length === 0) continue
    symbols[offsets[length]] = index - from
    offsets[length] += 1
    const bits = next[length]
    next[length] += 1
    if (length > fastBits) continue
    const entry = ((index - from) << 4) | length
    const first = ((REVERSED[bits & 0xff] << 8) | REVERSED[bits >> 8]) >> (16 - length)
    for (let at = first; at < size; at += 1 << length) fast[at] = entry
  }
  return { fast, mask: size - 1, counts, symbols }
}
