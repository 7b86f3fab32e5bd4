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
 * Cost: for sixteen bytes one load, two multiplications of four words each and four words of the bitmap, and eight
 * more where there are short patterns. The tables of ten thousand patterns are some
 * 100 kB, where the states of an automaton would be tens of MB and most steps would miss the caches. The price
 * is that a text made for it costs more: each place then compares the patterns that share its gram, few by
 * construction (`gram-tables.ts`), up to MAX_PATTERN_BYTES each. `aho-corasick.ts`, whose cost no text can
 * raise, is the twin that tests compare this with.
 *
 * @see Wu, Manber: A fast algorithm for multi-pattern searching, TR 94-17, University of Arizona, 1994
 */
import {
  FILTER_BYTES,
  FILTER_PARTS,
  HITS_BYTES,
  HITS_PARTS,
  STEP_BYTES,
  TABLE,
} from './gram-kernel.ts'
import { gramMemory } from './gram-memory.ts'
import { buildGramTable, type GramBytes, type GramTable, MAX_PATTERN_BYTES } from './gram-tables.ts'
import { gateOf, idsOfBytes } from './pair-gate.ts'

export { MAX_PATTERN_BYTES } from './gram-tables.ts'

/** Bytes that are scanned at once; longer texts go through in pieces. */
export const SCAN_BYTES = 16_384
/** Before the newest bytes, so that a pattern that was cut is found. */
export const TAIL_BYTES = MAX_PATTERN_BYTES - 1

/** Room for a tail, and for what a step that begins with the last byte reads. */
const TEXT_BYTES = SCAN_BYTES + MAX_PATTERN_BYTES + STEP_BYTES
const MAX_STAMP = 0x7fff_ffff
const { kernel } = gramMemory

/**
 * The text of a scan, in the memory that filters work in. One of it serves all filters, as scans do not overlap in time.
 */
export class ScanText {
  /** Where it stands in the memory: in front there is room for what a filter looks at beside the text. */
  readonly address: number
  length = 0
  #bytes: Buffer
  #memory: Buffer

  constructor() {
    const { address } = gramMemory.take(this, TEXT_BYTES + 2 * MAX_PATTERN_BYTES)
    this.address = address + MAX_PATTERN_BYTES
    this.#memory = gramMemory.bytes
    this.#bytes = this.#view()
  }

  /** Valid until the next filter is made. */
  get bytes(): Buffer {
    if (this.#memory !== gramMemory.bytes) {
      this.#memory = gramMemory.bytes
      this.#bytes = this.#view()
    }
    return this.#bytes
  }

  #view(): Buffer {
    return this.#memory.subarray(this.address, this.address + TEXT_BYTES)
  }
}

/** Ids of the patterns that a scan found, each once. */
export class PatternHits {
  count = 0
  /** Of the description in the memory. */
  address = 0
  /** Scans since the last one with the same stamp are told apart by it. */
  stamp = 1
  #patternCount = -1
  #ids: Int32Array
  #memory: Buffer

  constructor(patternCount = 0) {
    this.#memory = gramMemory.bytes
    this.#ids = this.#reserve(patternCount)
  }

  /** Valid until the next filter is made. */
  get ids(): Int32Array {
    if (this.#memory !== gramMemory.bytes) this.#ids = this.#view()
    return this.#ids
  }

  /** Before a scan by a filter of so many patterns. */
  clear(patternCount: number): void {
    this.count = 0
    if (patternCount > this.#patternCount) this.#ids = this.#reserve(patternCount)
    else if (this.stamp === MAX_STAMP) {
      gramMemory.words(this.address + HITS_BYTES, this.#patternCount).fill(0)
      this.stamp = 1
    } else this.stamp += 1
  }

  #reserve(patternCount: number): Int32Array {
    const { address } = gramMemory.take(this, HITS_BYTES + patternCount * 8)
    this.#patternCount = patternCount
    this.address = address
    this.stamp = 1
    const description = gramMemory.words(address, HITS_BYTES / 4)
    description[HITS_PARTS.stamps / 4] = address + HITS_BYTES
    description[HITS_PARTS.ids / 4] = address + HITS_BYTES + patternCount * 4
    return this.#view()
  }

  #view(): Int32Array {
    this.#memory = gramMemory.bytes
    return gramMemory.words(this.address + HITS_BYTES + this.#patternCount * 4, this.#patternCount)
  }
}

export class GramFilter {
  readonly patternCount: number
  /** Of the description in the memory. */
  readonly #address: number

  /**
   * @param patterns latin1, ASCII letters in lower case, 1 to MAX_PATTERN_BYTES bytes; the id of each is its
   * index
   */
  constructor(patterns: readonly string[]) {
    this.patternCount = patterns.length
    const starts = new Int32Array(patterns.length + 1)
    for (let id = 0; id < patterns.length; id += 1) {
      const { length } = patterns[id]
      if (length === 0 || length > MAX_PATTERN_BYTES)
        throw new RangeError(`a pattern has ${length} bytes`)
      starts[id + 1] = starts[id] + length
    }
    const middle = tableOf(patterns, 4, 6, 3, 2)
    const short = tableOf(patterns, 3, 3, 2, 2)
    const image = new FilterImage()
    image.table(FILTER_PARTS.long, tableOf(patterns, 7, MAX_PATTERN_BYTES, 4, 4))
    image.table(FILTER_PARTS.middle, middle)
    image.table(FILTER_PARTS.short, short)
    image.table(FILTER_PARTS.two, tableOf(patterns, 2, 2, 2, 1))
    image.words(FILTER_PARTS.gate, gateOf(patterns, middle, short))
    image.words(FILTER_PARTS.starts, starts)
    image.bytes(FILTER_PARTS.bytes, Buffer.from(patterns.join(''), 'latin1'))
    const byteCount = patterns.filter(({ length }) => length === 1).length
    image.words(FILTER_PARTS.idOfByte, byteCount === 0 ? null : idsOfBytes(patterns))
    image.number(FILTER_PARTS.byteCount, byteCount)
    this.#address = image.place(this)
  }

  /**
   * Adds the patterns that end after byte `minEnd` of the text.
   *
   * @param from no such pattern begins before this byte
   */
  scan(text: ScanText, from: number, minEnd: number, hits: PatternHits): void {
    hits.count = kernel.scan(
      this.#address,
      text.address,
      from,
      text.length,
      minEnd,
      hits.address,
      hits.stamp,
      hits.count,
    )
  }
}

/** What a filter has in the memory: a description with addresses, and behind it what these are of. */
class FilterImage {
  readonly #numbers: { readonly at: number; readonly value: number }[] = []
  readonly #parts: { readonly at: number; readonly offset: number; readonly bytes: Uint8Array }[] =
    []
  #length = FILTER_BYTES

  number(at: number, value: number): void {
    this.#numbers.push({ at, value })
  }

  /** `at` tells where they are; 0: they are not there. */
  bytes(at: number, bytes: Uint8Array): void {
    this.#parts.push({ at, offset: this.#length, bytes })
    this.#length = (this.#length + bytes.length + 3) & ~3
  }

  words(at: number, words: Int32Array | null): void {
    if (words !== null)
      this.bytes(at, new Uint8Array(words.buffer, words.byteOffset, words.byteLength))
  }

  table(at: number, table: GramTable | null): void {
    if (table === null) return
    this.words(at + TABLE.bits, table.bits)
    this.number(at + TABLE.shift, table.shift)
    this.number(at + TABLE.bucketShift, table.bucketShift)
    this.words(at + TABLE.buckets, table.bucketStart)
    this.words(at + TABLE.entries, table.entries)
    this.number(at + TABLE.keep, table.size === 4 ? -1 : (1 << (8 * table.size)) - 1)
  }

  /** @returns its address */
  place(owner: GramFilter): number {
    const { address } = gramMemory.take(owner, this.#length)
    const memory = gramMemory.bytes
    for (const { at, value } of this.#numbers) memory.writeInt32LE(value, address + at)
    for (const { at, offset, bytes } of this.#parts) {
      memory.writeInt32LE(address + offset, address + at)
      memory.set(bytes, address + offset)
    }
    return address
  }
}

function tableOf(
  patterns: readonly string[],
  shortest: number,
  longest: number,
  size: GramBytes,
  step: 1 | 2 | 4,
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
