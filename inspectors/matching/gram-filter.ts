/**
 * Finds which of thousands of literals occur in a text, letters of both cases alike.
 *
 * A pattern of 7 bytes and more has four grams (runs of 4 bytes) in a row. Whatever the place it stands at,
 * one of these begins at a multiple of four, so a scan looks at every fourth place: reads a word, hashes it,
 * asks a bitmap whether any pattern has such a gram, and only where one has compares the pattern itself.
 * Patterns of 4 to 6 bytes have two grams of 3 in a row, those of 3 bytes two of 2, and those of 2 bytes lie on an even
 * place or around one: at every second place a bitmap of byte pairs tells whether one of these may be there. Patterns
 * of one byte are looked for until they are found.
 *
 * Cost: one load, one multiplication and two bits for four bytes, and two more bits where there are short patterns. The tables of ten thousand patterns are some
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
  PLACE_BITS,
  PLACE_MASK,
  SECOND_SHIFT,
} from './gram-tables.ts'
import { idsOfBytes, type PairTable, pairTable } from './pair-gate.ts'
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

export class GramFilter {
  readonly patternCount: number
  readonly #long: GramTable | null
  readonly #middle: GramTable | null
  readonly #short: GramTable | null
  readonly #pairs: PairTable | null
  /** Patterns of one byte, by each byte that they may stand as; null: there is none. */
  readonly #idOfByte: Int32Array | null
  readonly #byteCount: number
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
    this.#pairs = pairTable(patterns, this.#middle, this.#short)
    this.#byteCount = patterns.filter(({ length }) => length === 1).length
    this.#idOfByte = this.#byteCount === 0 ? null : idsOfBytes(patterns)
  }

  /**
   * Adds the patterns that end after byte `minEnd` of the text.
   *
   * @param from no such pattern begins before this byte
   */
  scan(text: ScanText, from: number, minEnd: number, hits: PatternHits): void {
    const long = this.#long
    const pairs = this.#pairs
    if (long === null) {
      if (pairs !== null) this.#scanPairs(pairs.gate, text, from, minEnd, hits)
    } else if (pairs === null) this.#scanLong(long, text, from, minEnd, hits)
    else this.#scanBoth(long, pairs.gate, text, from, minEnd, hits)
    if (this.#idOfByte !== null) this.#scanBytes(this.#idOfByte, text, minEnd, hits)
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
    const wordShift = shift + 5
    const end = text.length >> 2
    for (let index = from >> 2; index < end; index += 1) {
      const word = words[index]
      const product = Math.imul(word | ((word & FOLD) >>> 1), MULTIPLIER)
      const set = bits[product >>> wordShift]
      if (((set >>> (product >>> shift)) & (set >>> (product >>> SECOND_SHIFT)) & 1) !== 0)
        this.#compare(table, word, product >>> shift, index << 2, text, minEnd, hits)
    }
  }

  #scanPairs(
    gate: Int32Array,
    text: ScanText,
    from: number,
    minEnd: number,
    hits: PatternHits,
  ): void {
    const { halves } = text
    const end = (text.length + 1) >> 1
    for (let index = from >> 1; index < end; index += 1) {
      const half = halves[index]
      if ((gate[half >>> 5] & (1 << half)) !== 0) this.#atPair(index << 1, text, minEnd, hits)
    }
  }

  /** Both in one loop: the text is read once. What it reads behind the end is no part of a pattern that is reported. */
  #scanBoth(
    table: GramTable,
    gate: Int32Array,
    text: ScanText,
    from: number,
    minEnd: number,
    hits: PatternHits,
  ): void {
    const { bits, shift } = table
    const { words } = text
    const wordShift = shift + 5
    const end = (text.length + 3) >> 2
    for (let index = from >> 2; index < end; index += 1) {
      const word = words[index]
      const product = Math.imul(word | ((word & FOLD) >>> 1), MULTIPLIER)
      const set = bits[product >>> wordShift]
      if (((set >>> (product >>> shift)) & (set >>> (product >>> SECOND_SHIFT)) & 1) !== 0)
        this.#compare(table, word, product >>> shift, index << 2, text, minEnd, hits)
      if ((gate[(word >>> 5) & 0x7ff] & (1 << word)) !== 0)
        this.#atPair(index << 2, text, minEnd, hits)
      if ((gate[word >>> 21] & (1 << (word >>> 16))) !== 0)
        this.#atPair((index << 2) + 2, text, minEnd, hits)
    }
  }

  /** The gate is open at an even place. */
  #atPair(at: number, text: ScanText, minEnd: number, hits: PatternHits): void {
    const { bytes } = text
    const pair = bytes[at] | (bytes[at + 1] << 8)
    if (this.#middle !== null)
      this.#probe(this.#middle, pair | (bytes[at + 2] << 16), at, text, minEnd, hits)
    if (this.#short !== null) this.#probe(this.#short, pair, at, text, minEnd, hits)
    const idOfPair = this.#pairs!.idOfPair
    if (idOfPair === null) return
    for (let begin = at === 0 ? 0 : at - 1; begin <= at + 1; begin += 1) {
      if (begin + 2 > text.length || begin + 2 <= minEnd) continue
      const id = idOfPair.get(LOWER[bytes[begin]] | (LOWER[bytes[begin + 1]] << 8))
      if (id !== undefined && !hits.has(id)) hits.add(id)
    }
  }

  #probe(
    table: GramTable,
    word: number,
    at: number,
    text: ScanText,
    minEnd: number,
    hits: PatternHits,
  ): void {
    const { bits, shift } = table
    const product = Math.imul(word | ((word & FOLD) >>> 1), MULTIPLIER)
    const hash = product >>> shift
    const set = bits[hash >>> 5]
    if (((set >>> hash) & (set >>> (product >>> SECOND_SHIFT)) & 1) !== 0)
      this.#compare(table, word, hash, at, text, minEnd, hits)
  }

  #scanBytes(idOfByte: Int32Array, text: ScanText, minEnd: number, hits: PatternHits): void {
    const { bytes, length } = text
    let left = this.#byteCount
    for (let index = minEnd; index < length; index += 1) {
      const id = idOfByte[bytes[index]]
      if (id < 0 || hits.has(id)) continue
      hits.add(id)
      left -= 1
      // Such bytes are common: all are found soon.
      if (left === 0) return
    }
  }

  /** Compares the patterns that have a gram of this hash. */
  #compare(
    table: GramTable,
    word: number,
    hash: number,
    at: number,
    text: ScanText,
    minEnd: number,
    hits: PatternHits,
  ): void {
    const { bucketStart, entries } = table
    const gram = word | ((word & FOLD) >>> 1)
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
