/** What the codes of DEFLATE stand for (RFC 1951, 3.2.5 to 3.2.7). */
import { HuffmanTable } from './huffman.ts'

const LENGTH_BASE = [
  3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115, 131,
  163, 195, 227, 258,
]
const LENGTH_EXTRA = [
  0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0,
]
const DISTANCE_BASE = [
  1, 2, 3, 4, 5, 7, 9, 13, 17, 25, 33, 49, 65, 97, 129, 193, 257, 385, 513, 769, 1025, 1537, 2049,
  3073, 4097, 6145, 8193, 12_289, 16_385, 24_577,
]
const DISTANCE_EXTRA = [
  0, 0, 0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 8, 9, 9, 10, 10, 11, 11, 12, 12, 13, 13,
]
/** Order in which a block tells the lengths of the codes that its lengths are written in. */
export const CODE_ORDER = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15]

/** Codes of the three tables up to these lengths are one look-up: few are longer. */
const CODE_BITS = 7
const LITERAL_BITS = 10
const DISTANCE_BITS = 8
/** Symbols of the three alphabets: lengths of codes, literals with lengths of matches, distances. */
export const CODE_SYMBOLS = 19
export const LITERAL_SYMBOLS = 288
export const DISTANCE_SYMBOLS = 32
/** What a literal's table says beside literals, which are their bytes: `base << BASE_SHIFT | extra << EXTRA_SHIFT | MATCH`. */
export const MATCH = 0x100
export const EXTRA_SHIFT = 9
export const EXTRA_MASK = 7
export const BASE_SHIFT = 12
export const END_OF_BLOCK = 1 << 21
/** What a table of distances says: `base << DISTANCE_SHIFT | extra`. */
export const DISTANCE_SHIFT = 4
export const DISTANCE_MASK = 15
/** A symbol that no data has. */
export const UNUSED = 1 << 22

const LITERAL_VALUES = Int32Array.from({ length: LITERAL_SYMBOLS }, (_, symbol) => {
  if (symbol < 256) return symbol
  if (symbol === 256) return END_OF_BLOCK
  const index = symbol - 257
  if (index >= LENGTH_BASE.length) return UNUSED
  return (LENGTH_BASE[index] << BASE_SHIFT) | (LENGTH_EXTRA[index] << EXTRA_SHIFT) | MATCH
})
const DISTANCE_VALUES = Int32Array.from({ length: DISTANCE_SYMBOLS }, (_, symbol) =>
  symbol < DISTANCE_BASE.length
    ? (DISTANCE_BASE[symbol] << DISTANCE_SHIFT) | DISTANCE_EXTRA[symbol]
    : UNUSED,
)
const CODE_VALUES = Int32Array.from({ length: CODE_SYMBOLS }, (_, symbol) => symbol)

export const literalTable = (): HuffmanTable => new HuffmanTable(LITERAL_BITS, LITERAL_VALUES)
export const distanceTable = (): HuffmanTable => new HuffmanTable(DISTANCE_BITS, DISTANCE_VALUES)
/** Of the codes that a block's lengths are written in. */
export const codeTable = (): HuffmanTable => new HuffmanTable(CODE_BITS, CODE_VALUES)

/** Codes of blocks that bring none of their own. */
export const FIXED = fixedTables()

function fixedTables(): { literals: HuffmanTable; distances: HuffmanTable } {
  const lengths = new Uint8Array(LITERAL_SYMBOLS)
  lengths.fill(8, 0, 144).fill(9, 144, 256).fill(7, 256, 280).fill(8, 280, 288)
  const literals = literalTable()
  literals.build(lengths, 0, LITERAL_SYMBOLS)
  const distances = distanceTable()
  distances.build(new Uint8Array(30).fill(5), 0, 30)
  return { literals, distances }
}
