/**
 * Canonical Huffman codes of DEFLATE (RFC 1951, 3.2.2). Codes of up to so many bits are one look-up; longer
 * ones, which are rare, are walked bit by bit over the counts of each length.
 */
export const MAX_CODE_BITS = 15
/** Entries are `value << ENTRY_SHIFT | length of the code`. */
export const ENTRY_SHIFT = 4
export const SIZE_MASK = 15
/** Scratch: by the length of codes, where the next symbol goes, and the next code. */
const offsets = new Uint16Array(MAX_CODE_BITS + 2)
const next = new Uint16Array(MAX_CODE_BITS + 2)
/** The bits of each byte in reverse. */
const REVERSED = Uint8Array.from({ length: 256 }, (_, byte) => {
  let result = 0
  for (let bit = 0; bit < 8; bit += 1) result |= ((byte >> bit) & 1) << (7 - bit)
  return result
})

/** What `find` says of bits that begin a code, and of bits that begin none. */
export const CUT_CODE = -1
export const NO_CODE = -2

/** The codes of one alphabet; its memory serves one set of codes after the other. */
export class HuffmanTable {
  /** By the next bits, as many as `mask` has: an entry; 0 where the code is longer or none. */
  readonly fast: Int32Array
  readonly mask: number
  /** Codes of each length, and the symbols in order of their codes. */
  readonly counts = new Uint16Array(MAX_CODE_BITS + 1)
  readonly symbols: Uint16Array
  readonly #values: Int32Array
  readonly #fastBits: number

  /**
   * @param fastBits of codes that are one look-up: writing the table costs as much as some look-ups
   * @param values what each symbol of the alphabet stands for, below 2^27
   */
  constructor(fastBits: number, values: Int32Array) {
    this.#fastBits = fastBits
    this.#values = values
    this.fast = new Int32Array(1 << fastBits)
    this.mask = this.fast.length - 1
    this.symbols = new Uint16Array(values.length)
  }

  /**
   * @param lengths code length of each symbol, in `[from, to)`; 0: unused
   * @returns false when the lengths promise more codes than there are; the table is of no use then
   */
  build(lengths: Uint8Array, from: number, to: number): boolean {
    const { fast, counts, symbols, mask } = this
    const values = this.#values
    const fastBits = this.#fastBits
    fast.fill(0)
    counts.fill(0)
    for (let index = from; index < to; index += 1) counts[lengths[index]] += 1
    counts[0] = 0
    let left = 1
    for (let length = 1; length <= MAX_CODE_BITS; length += 1) {
      left = left * 2 - counts[length]
      if (left < 0) return false
    }
    let code = 0
    offsets[1] = 0
    for (let length = 1; length <= MAX_CODE_BITS; length += 1) {
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
      const entry = (values[index - from] << ENTRY_SHIFT) | length
      const first = ((REVERSED[bits & 0xff] << 8) | REVERSED[bits >> 8]) >> (16 - length)
      for (let at = first, step = 1 << length; at <= mask; at += step) fast[at] = entry
    }
    return true
  }

  /** The code that the bits begin with, whatever its length. @returns an entry, CUT_CODE or NO_CODE */
  find(bits: number, bitCount: number): number {
    let code = 0
    let first = 0
    let index = 0
    for (let length = 1; length <= MAX_CODE_BITS; length += 1) {
      if (length > bitCount) return CUT_CODE
      code |= (bits >> (length - 1)) & 1
      const count = this.counts[length]
      if (code - count < first)
        return (this.#values[this.symbols[index + code - first]] << ENTRY_SHIFT) | length
      index += count
      first = (first + count) << 1
      code <<= 1
    }
    return NO_CODE
  }
}
