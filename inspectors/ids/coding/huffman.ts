/**
 * Canonical Huffman codes of DEFLATE (RFC 1951, 3.2.2). Codes of up to FAST_BITS bits are one look-up; longer
 * ones, which are rare, are walked bit by bit over the counts of each length.
 */
export const FAST_BITS = 10
const MAX_BITS = 15

export interface HuffmanTable {
  /** By the next FAST_BITS bits: symbol << 4 | length; 0 where the code is longer or none. */
  readonly fast: Uint16Array
  /** Codes of each length, and the symbols in order of their codes. */
  readonly counts: Uint16Array
  readonly symbols: Uint16Array
}

/**
 * @param lengths code length of each symbol; 0: unused
 * @returns null when the lengths promise more codes than there are
 */
export function buildHuffman(lengths: Uint8Array, from: number, to: number): HuffmanTable | null {
  const counts = new Uint16Array(MAX_BITS + 1)
  for (let index = from; index < to; index += 1) counts[lengths[index]] += 1
  counts[0] = 0
  let left = 1
  for (let length = 1; length <= MAX_BITS; length += 1) {
    left = left * 2 - counts[length]
    if (left < 0) return null
  }
  const offsets = new Uint16Array(MAX_BITS + 2)
  const next = new Uint16Array(MAX_BITS + 2)
  let code = 0
  for (let length = 1; length <= MAX_BITS; length += 1) {
    next[length] = code
    offsets[length + 1] = offsets[length] + counts[length]
    code = (code + counts[length]) << 1
  }
  const symbols = new Uint16Array(to - from)
  const fast = new Uint16Array(1 << FAST_BITS)
  for (let index = from; index < to; index += 1) {
    const length = lengths[index]
    if (length === 0) continue
    symbols[offsets[length]] = index - from
    offsets[length] += 1
    const bits = next[length]
    next[length] += 1
    if (length > FAST_BITS) continue
    const entry = ((index - from) << 4) | length
    for (let at = reversed(bits, length); at < fast.length; at += 1 << length) fast[at] = entry
  }
  return { fast, counts, symbols }
}

function reversed(bits: number, length: number): number {
  let result = 0
  for (let index = 0; index < length; index += 1)
    result |= ((bits >> index) & 1) << (length - 1 - index)
  return result
}
