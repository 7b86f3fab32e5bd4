/**
 * Finds which of thousands of literals occur in a text, letters of both cases alike.
 *
 * A pattern of 7 bytes and more has four grams (runs of 4 bytes) in a row. Whatever the place it stands at,
 * one of these begins at a multiple of four, so a scan looks at every fourth place: reads a word, hashes it,
 * asks a bitmap whether any pattern has such a gram, and only where one has compares the pattern itself.
 * Patterns of 4 to 6 bytes have two grams of 3 in a row, those of 3 bytes two of 2, and are looked for at every
 * second place; those of 1 and 2 bytes at every place, in a table of byte pairs.
 *
 * Cost: one load, one multiplication and one bit for four bytes. The tables of ten thousand patterns are some
 * 100 kB, where the states of an automaton would be tens of MB and most steps would miss the caches. The price
 * is that a text made for it costs more: each place then compares the patterns that share its gram, few by
 * construction (`gram-tables.ts`), up to MAX_PATTERN_BYTES each. `aho-corasick.ts`, whose cost no text can
 * raise, is the twin that tests compare this with.
 *
 * @see Wu, Manber: A fast algorithm for multi-pattern searching, TR 94-17, University of Arizona, 1994
 */
import {
  buildGramTable,
  ENTRY_WORDS,
  FOLD,
  type GramBytes,
  type GramTable,
  MAX_PATTERN_BYTES,
  MULTIPLIER,
  SECOND_SHIFT,
} from './gram-tables.ts'
import { StampSet } from './stamp-set.ts'

export { MAX_PATTERN_BYTES } from './gram-tables.ts'

/** Bytes that are scanned at once; longer texts go through in pieces. */
export const SCAN_BYTES = 16_384
/** Before the newest bytes, so that a pattern that was cut is found. */
export const TAIL_BYTES = MAX_PATTERN_BYTES - 1

/**
 * The text of a scan, in memory that words can be read from. One of it serves all filters, as scans do
 * not overlap in time.
 */
export class ScanText {
  readonly bytes: Buffer
  readonly halves: Uint16Array
  readonly words: Int32Array
  length = 0

  constructor() {
    // Room for a tail, and for a word that begins with the last byte.
    const memory = new ArrayBuffer(SCAN_BYTES + MAX_PATTERN_BYTES + 4)
    this.bytes = Buffer.from(memory)
    this.halves = new Uint16Array(memory)
    this.words = new Int32Array(memory)
  }
}

/** Ids of the patterns that a scan found, each once. */
export class PatternHits {
  ids: Int32Array
  count = 0
  #found: StampSet

  constructor(patternCount = 0) {
    this.ids = new Int32Array(patternCount)
    this.#found = new StampSet(patternCount)
  }

  /** Before a scan by a filter of so many patterns. */
  clear(patternCount: number): void {
    this.count = 0
    if (patternCount <= this.ids.length) {
      this.#found.clear()
      return
    }
    this.ids = new Int32Array(patternCount)
    this.#found = new StampSet(patternCount)
  }

  has(id: number): boolean {
    return this.#found.has(id)
  }

  add(id: number): void {
    this.#found.add(id)
    this.ids[this.count] = id
    this.count += 1
  }
}

const LOWER = Uint8Array.from({ length: 256 }, (_, byte) =>
  byte >= 0x41 && byte <= 0x5a ? byte + 0x20 : byte,
)

const PLACE_BITS = 31 - Math.clz32(MAX_PATTERN_BYTES)
const PLACE_MASK = MAX_PATTERN_BYTES - 1

/** The patterns of one or two bytes. */
interface TinyTable {
  /** Bit `first | second << 8`, both in lower case. */
  readonly pairs: Int32Array
  readonly idOfPair: ReadonlyMap<number, number>
  readonly idOfByte: Int32Array
  readonly hasBytes: boolean
}

export class GramFilter {
  readonly patternCount: number
  readonly #long: GramTable | null
  readonly #middle: GramTable | null
  readonly #short: GramTable | null
  readonly #tiny: TinyTable | null
  /** All patterns one after the other; that of id i begins at `starts[i]`. */
  readonly #bytes: Uint8Array
  readonly #starts: Int32Array

  /**
   * @param patterns latin1, ASCII letters in lower case, 1 to MAX_PATTERN_BYTES bytes; the id of each is its
   * index
   */
  constructor(patterns: readonly string[]) {
    this.patternCount = patterns.length
    this.#starts = new Int32Array(patterns.length + 1)
    for (let id = 0; id < patterns.length; id += 1) {
      const { length } = patterns[id]
      if (length === 0 || length > MAX_PATTERN_BYTES)
        throw new RangeError(`a pattern has ${length} bytes`)
      this.#starts[id + 1] = this.#starts[id] + length
    }
    this.#bytes = Buffer.from(patterns.join(''), 'latin1')
    this.#long = tableOf(patterns, 7, MAX_PATTERN_BYTES, 4, 4)
    this.#middle = tableOf(patterns, 4, 6, 3, 2)
    this.#short = tableOf(patterns, 3, 3, 2, 2)
    this.#tiny = tinyTable(patterns)
  }

  /**
   * Adds the patterns that end after byte `minEnd` of the text.
   *
   * @param from no such pattern begins before this byte
   */
  scan(text: ScanText, from: number, minEnd: number, hits: PatternHits): void {
    if (this.#long !== null) this.#scanLong(this.#long, text, from, minEnd, hits)
    if (this.#middle !== null) this.#scanMiddle(this.#middle, text, from, minEnd, hits)
    if (this.#short !== null) this.#scanShort(this.#short, text, from, minEnd, hits)
    if (this.#tiny !== null) this.#scanTiny(this.#tiny, text, from, minEnd, hits)
  }

  #scanLong(
    table: GramTable,
    text: ScanText,
    from: number,
    minEnd: number,
    hits: PatternHits,
  ): void {
    const { bits, shift } = table
    const { words } = text
    const end = text.length >> 2
    for (let index = from >> 2; index < end; index += 1) {
      const word = words[index]
      const gram = word | ((word & FOLD) >>> 1)
      const product = Math.imul(gram, MULTIPLIER)
      const hash = product >>> shift
      const mask = (1 << (hash & 31)) | (1 << ((product >>> SECOND_SHIFT) & 31))
      if ((bits[hash >>> 5] & mask) === mask)
        this.#compare(table, gram, hash, index << 2, text, minEnd, hits)
    }
  }

  #scanMiddle(
    table: GramTable,
    text: ScanText,
    from: number,
    minEnd: number,
    hits: PatternHits,
  ): void {
    const { bits, shift } = table
    const { halves } = text
    const end = (text.length - 1) >> 1
    for (let index = from >> 1; index < end; index += 1) {
      const word = halves[index] | ((halves[index + 1] & 0xff) << 16)
      const gram = word | ((word & FOLD) >>> 1)
      const product = Math.imul(gram, MULTIPLIER)
      const hash = product >>> shift
      const mask = (1 << (hash & 31)) | (1 << ((product >>> SECOND_SHIFT) & 31))
      if ((bits[hash >>> 5] & mask) === mask)
        this.#compare(table, gram, hash, index << 1, text, minEnd, hits)
    }
  }

  #scanShort(
    table: GramTable,
    text: ScanText,
    from: number,
    minEnd: number,
    hits: PatternHits,
  ): void {
    const { bits, shift } = table
    const { halves } = text
    const end = text.length >> 1
    for (let index = from >> 1; index < end; index += 1) {
      const word = halves[index]
      const gram = word | ((word & FOLD) >>> 1)
      const product = Math.imul(gram, MULTIPLIER)
      const hash = product >>> shift
      const mask = (1 << (hash & 31)) | (1 << ((product >>> SECOND_SHIFT) & 31))
      if ((bits[hash >>> 5] & mask) === mask)
        this.#compare(table, gram, hash, index << 1, text, minEnd, hits)
    }
  }

  #scanTiny(
    table: TinyTable,
    text: ScanText,
    from: number,
    minEnd: number,
    hits: PatternHits,
  ): void {
    const { pairs, idOfPair, idOfByte, hasBytes } = table
    const { bytes, length } = text
    let pair = 0
    for (let index = from; index < length; index += 1) {
      const byte = LOWER[bytes[index]]
      pair = (pair >>> 8) | (byte << 8)
      if (index < minEnd) continue
      if (hasBytes) {
        const id = idOfByte[byte]
        if (id >= 0 && !hits.has(id)) hits.add(id)
      }
      if (index === from || (pairs[pair >>> 5] & (1 << (pair & 31))) === 0) continue
      const id = idOfPair.get(pair)!
      if (!hits.has(id)) hits.add(id)
    }
  }

  /** Compares the patterns that have a gram of this hash. */
  #compare(
    table: GramTable,
    gram: number,
    hash: number,
    at: number,
    text: ScanText,
    minEnd: number,
    hits: PatternHits,
  ): void {
    const { bucketStart, entries } = table
    const bucket = hash >>> table.bucketShift
    const end = bucketStart[bucket + 1] * ENTRY_WORDS
    for (let entry = bucketStart[bucket] * ENTRY_WORDS; entry < end; entry += ENTRY_WORDS) {
      if (entries[entry] !== gram) continue
      const second = at + entries[entry + 3]
      if (second < 0 || gramOf(text.bytes, second, table.size) !== entries[entry + 2]) continue
      const place = entries[entry + 1]
      const id = place >> PLACE_BITS
      if (!hits.has(id)) this.#compareWhole(id, at - (place & PLACE_MASK), text, minEnd, hits)
    }
  }

  #compareWhole(
    id: number,
    begin: number,
    { bytes, length }: ScanText,
    minEnd: number,
    hits: PatternHits,
  ): void {
    const first = this.#starts[id]
    const size = this.#starts[id + 1] - first
    if (begin < 0 || begin + size > length || begin + size <= minEnd) return
    const pattern = this.#bytes
    for (let index = 0; index < size; index += 1)
      if (LOWER[bytes[begin + index]] !== pattern[first + index]) return
    hits.add(id)
  }
}

/** The bytes beyond the text's end are there, and what they are is compared later. */
function gramOf(bytes: Uint8Array, at: number, size: GramBytes): number {
  let gram = bytes[at] | (bytes[at + 1] << 8)
  if (size > 2) gram |= bytes[at + 2] << 16
  if (size > 3) gram |= bytes[at + 3] << 24
  return gram | ((gram & FOLD) >>> 1)
}

function tableOf(
  patterns: readonly string[],
  shortest: number,
  longest: number,
  size: GramBytes,
  step: 2 | 4,
): GramTable | null {
  const ids: number[] = []
  for (let id = 0; id < patterns.length; id += 1)
    if (patterns[id].length >= shortest && patterns[id].length <= longest) ids.push(id)
  if (ids.length === 0) return null
  return buildGramTable(
    ids.map((id) => patterns[id]),
    ids,
    size,
    step,
  )
}

function tinyTable(patterns: readonly string[]): TinyTable | null {
  const pairs = new Int32Array(2048)
  const idOfPair = new Map<number, number>()
  const idOfByte = new Int32Array(256).fill(-1)
  let hasBytes = false
  for (let id = 0; id < patterns.length; id += 1) {
    const pattern = patterns[id]
    if (pattern.length === 1) {
      idOfByte[pattern.charCodeAt(0)] = id
      hasBytes = true
    } else if (pattern.length === 2) {
      const pair = pattern.charCodeAt(0) | (pattern.charCodeAt(1) << 8)
      pairs[pair >>> 5] |= 1 << (pair & 31)
      idOfPair.set(pair, id)
    }
  }
  return hasBytes || idOfPair.size > 0 ? { pairs, idOfPair, idOfByte, hasBytes } : null
}

/** Finds the patterns of a whole text, which goes through in pieces where it is long. */
export function scanString(
  filter: GramFilter,
  scanText: ScanText,
  textLatin1: string,
  hits: PatternHits,
): void {
  hits.clear(filter.patternCount)
  const { bytes } = scanText
  if (textLatin1.length <= SCAN_BYTES) {
    scanText.length = bytes.write(textLatin1, 0, 'latin1')
    filter.scan(scanText, 0, 0, hits)
    return
  }
  for (let at = 0; at < textLatin1.length; at += SCAN_BYTES) {
    const before = Math.min(at, TAIL_BYTES)
    scanText.length = bytes.write(textLatin1.slice(at - before, at + SCAN_BYTES), 0, 'latin1')
    filter.scan(scanText, 0, before, hits)
  }
}
