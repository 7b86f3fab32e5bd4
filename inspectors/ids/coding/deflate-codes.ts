/** What the codes of DEFLATE stand for (RFC 1951, 3.2.5 to 3.2.7). */
import { HuffmanTable } from './huffman.ts'

export const LENGTH_BASE = [
  3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115, 131,
  163, 195, 227, 258,
]
export const LENGTH_EXTRA = [
  0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0,
]
export const DISTANCE_BASE = [
  1, 2, 3, 4, 5, 7, 9, 13, 17, 25, 33, 49, 65, 97, 129, 193, 257, 385, 513, 769, 1025, 1537, 2049,
  3073, 4097, 6145, 8193, 12_289, 16_385, 24_577,
]
export const DISTANCE_EXTRA = [
  0, 0, 0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 8, 9, 9, 10, 10, 11, 11, 12, 12, 13, 13,
]
/** Order in which a block tells the lengths of the codes that its lengths are written in. */
export const CODE_ORDER = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15]

/** Codes of the three tables up to these lengths are one look-up: few are longer. */
export const CODE_BITS = 7
export const LITERAL_BITS = 10
export const DISTANCE_BITS = 8
/** Symbols of the three alphabets: lengths of codes, literals with lengths of matches, distances. */
export const CODE_SYMBOLS = 19
export const LITERAL_SYMBOLS = 288
export const DISTANCE_SYMBOLS = 32
/** Codes of blocks that bring none of their own. */
export const FIXED = fixedTables()

function fixedTables(): { literals: HuffmanTable; distances: HuffmanTable } {
  const lengths = new Uint8Array(LITERAL_SYMBOLS)
  lengths.fill(8, 0, 144).fill(9, 144, 256).fill(7, 256, 280).fill(8, 280, 288)
  const literals = new HuffmanTable(LITERAL_BITS, LITERAL_SYMBOLS)
  literals.build(lengths, 0, LITERAL_SYMBOLS)
  const distances = new HuffmanTable(DISTANCE_BITS, DISTANCE_SYMBOLS)
  distances.build(new Uint8Array(30).fill(5), 0, 30)
  return { literals, distances }
}
