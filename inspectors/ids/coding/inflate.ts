/**
 * Inflates gzip, zlib and raw DEFLATE data (RFC 1950 to 1952) that arrives in pieces, synchronously and with
 * a bound on the output. Node's own zlib is either asynchronous or wants the whole input.
 *
 * Every symbol is decoded from a checkpoint: when the input ends inside one, the reader goes back to the
 * checkpoint and the symbol is read again with the next piece. Checksums are not verified: a receiver that
 * does not either would see the data, and so do the rules.
 */
import {
  BASE_SHIFT,
  CODE_ORDER,
  CODE_SYMBOLS,
  DISTANCE_MASK,
  DISTANCE_SHIFT,
  END_OF_BLOCK,
  EXTRA_MASK,
  EXTRA_SHIFT,
  FIXED,
  MATCH,
  UNUSED,
} from './deflate-codes.ts'
import { BAD, BitInput, NEED } from './bit-input.ts'
import { ENTRY_SHIFT, type HuffmanTable, SIZE_MASK } from './huffman.ts'
import { firstOutput } from './first-output.ts'
import {
  CODES,
  DISTANCES,
  holdsTablesOf,
  lengths,
  LITERALS,
  type OwnLengths,
  writeTables,
} from './own-tables.ts'

type Stage = 'header' | 'trailer' | 'block' | 'stored' | 'symbols' | 'done' | 'failed'

/** Most bytes that one symbol yields, and more input than one can take. */
const MAX_MATCH = 258
const SYMBOL_BYTES = 8
/** A copy of four bytes at a time goes so far beyond its end. */
const COPY_MARGIN = 3

/** Largest gzip header: more is no header but an attack. */
export const MAX_GZIP_HEADER = 65_536

const NOTHING = Buffer.alloc(0)

export class Inflater {
  readonly #format: 'gzip' | 'deflate'
  readonly #bound: number
  readonly #input = new BitInput()
  #stage: Stage = 'header'
  #isLastBlock = false
  #stored = 0
  #literals: HuffmanTable = FIXED.literals
  #distances: HuffmanTable = FIXED.distances
  /** Of the block that is being read, when it has codes of its own. */
  #own: OwnLengths | null = null
  #output = NOTHING
  /** The same bytes. */
  #words = new DataView(NOTHING.buffer)
  #length = 0

  /**
   * @param format `deflate` takes data with and without the zlib header
   * @param bound bytes of output after which the rest is left undone
   */
  constructor(format: 'gzip' | 'deflate', bound: number) {
    this.#format = format
    this.#bound = bound
  }

  get failed(): boolean {
    return this.#stage === 'failed'
  }

  /** The data ended as it should. */
  get done(): boolean {
    return this.#stage === 'done' || this.#stage === 'trailer'
  }

  get outputBytes(): number {
    return this.#length
  }

  /** @returns what this piece added to the output; a view that the next call leaves alone */
  push(chunk: Uint8Array): Buffer {
    const before = this.#length
    const input = this.#input
    input.add(chunk)
    if (this.#output.length === 0) this.#writeTo(firstOutput(chunk.length))
    if (this.#own !== null && !holdsTablesOf(this)) writeTables(this, this.#own)
    input.mark()
    try {
      while (this.#stage !== 'done' && this.#stage !== 'failed' && this.#length < this.#bound) {
        if (!this.#step()) break
        input.mark()
      }
    } catch (error) {
      if (error === NEED) input.goBack()
      else if (error === BAD) this.#stage = 'failed'
      else throw error
    }
    input.giveBack()
    // The caller's chunk is valid during the call only.
    input.keep()
    this.#keepLengths()
    return this.#output.subarray(before, this.#length)
  }

  /**
   * One header, block header, stored run or run of symbols: whole, or NEED with nothing changed that counts.
   *
   * @returns false: what is missing most of the time, the member after the last one
   */
  #step(): boolean {
    switch (this.#stage) {
      case 'header':
        if (this.#format === 'gzip') this.#gzipHeader()
        else this.#zlibHeader()
        this.#stage = 'block'
        return true
      case 'trailer':
        return this.#trailer()
      case 'block':
        this.#block()
        return true
      case 'stored':
        this.#storedBytes()
        return true
      case 'symbols':
        // What was read is safe when the step is over: NEED goes back to its beginning.
        if (!this.#symbols()) this.#symbol()
        return true
      case 'done':
      case 'failed':
        return false
    }
  }

  #gzipHeader(): void {
    const input = this.#input
    if (input.byte() !== 0x1f || input.byte() !== 0x8b || input.byte() !== 8) throw BAD
    const flags = input.byte()
    input.skip(6)
    if ((flags & 4) !== 0) input.skip(input.byte() | (input.byte() << 8))
    if ((flags & 8) !== 0) this.#text()
    if ((flags & 16) !== 0) this.#text()
    if ((flags & 2) !== 0) input.skip(2)
  }

  /** Passes over what ends with a zero. */
  #text(): void {
    while (this.#input.byte() !== 0) if (this.#input.at > MAX_GZIP_HEADER) throw BAD
  }

  #zlibHeader(): void {
    const input = this.#input
    const first = input.byte()
    const second = input.byte()
    if ((first & 0x0f) === 8 && first >> 4 <= 7 && ((first << 8) | second) % 31 === 0) {
      if ((second & 0x20) !== 0) throw BAD
      return
    }
    input.at -= 2
  }

  /** Checksum and length, then perhaps another member: receivers join them. @returns false: they are not there yet */
  #trailer(): boolean {
    const input = this.#input
    input.align()
    if (input.bytes.length - input.at < 9) return false
    input.skip(8)
    this.#isLastBlock = false
    this.#stage = input.bytes[input.at] === 0x1f ? 'header' : 'done'
    return true
  }

  #block(): void {
    if (this.#isLastBlock) {
      this.#stage = this.#format === 'gzip' ? 'trailer' : 'done'
      return
    }
    const input = this.#input
    const last = input.take(1) === 1
    const kind = input.take(2)
    if (kind === 0) {
      input.align()
      const length = input.byte() | (input.byte() << 8)
      const inverse = input.byte() | (input.byte() << 8)
      if ((length ^ inverse) !== 0xffff) throw BAD
      this.#stored = length
      this.#stage = 'stored'
    } else if (kind === 1) {
      this.#literals = FIXED.literals
      this.#distances = FIXED.distances
      this.#stage = 'symbols'
    } else if (kind === 2) {
      this.#dynamicTables()
      this.#stage = 'symbols'
    } else throw BAD
    this.#isLastBlock = last
  }

  #dynamicTables(): void {
    const input = this.#input
    const literalCount = input.take(5) + 257
    const distanceCount = input.take(5) + 1
    const codeCount = input.take(4) + 4
    if (literalCount > 286) throw BAD
    lengths.fill(0)
    for (let index = 0; index < codeCount; index += 1) lengths[CODE_ORDER[index]] = input.take(3)
    if (!CODES.build(lengths, 0, CODE_SYMBOLS)) throw BAD
    lengths.fill(0)
    const total = literalCount + distanceCount
    for (let index = 0; index < total;) {
      const symbol = input.decode(CODES)
      if (symbol < 16) {
        lengths[index] = symbol
        index += 1
        continue
      }
      if (symbol === 16 && index === 0) throw BAD
      const value = symbol === 16 ? lengths[index - 1] : 0
      const count =
        symbol === 16 ? 3 + input.take(2) : symbol === 17 ? 3 + input.take(3) : 11 + input.take(7)
      if (index + count > total) throw BAD
      for (const end = index + count; index < end; index += 1) lengths[index] = value
    }
    this.#own = { lengths, literals: literalCount, distances: distanceCount }
    if (!writeTables(this, this.#own)) throw BAD
    this.#literals = LITERALS
    this.#distances = DISTANCES
  }

  /** Interrupted in a block with codes of its own: others will write their lengths. */
  #keepLengths(): void {
    if (this.#stage !== 'symbols' || this.#literals !== LITERALS) this.#own = null
    else if (this.#own?.lengths === lengths) this.#own = { ...this.#own, lengths: lengths.slice() }
  }

  #storedBytes(): void {
    const input = this.#input
    const count = Math.min(this.#stored, input.bytes.length - input.at)
    if (count === 0 && this.#stored > 0) throw NEED
    const room = this.#reserve(count)
    this.#output.set(input.bytes.subarray(input.at, input.at + room), this.#length)
    this.#length += room
    input.skip(count)
    this.#stored -= count
    if (this.#stored === 0) this.#stage = 'block'
  }

  /** Symbols as long as there is more input and room than one can take; those with long codes are left to `#symbol`. @returns false: none */
  #symbols(): boolean {
    const source = this.#input
    const input = source.bytes
    const inputEnd = input.length - SYMBOL_BYTES
    const outputEnd = Math.min(this.#output.length, this.#bound) - MAX_MATCH - COPY_MARGIN
    const output = this.#output
    const words = this.#words
    const { fast: literals, mask: literalMask } = this.#literals
    const { fast: distances, mask: distanceMask } = this.#distances
    let at = source.at
    let bits = source.bits
    let bitCount = source.bitCount
    let length = this.#length
    while (at <= inputEnd && length <= outputEnd) {
      // A code of the table and the bits behind it are at most 15.
      if (bitCount < 15) {
        bits |= (input[at] | (input[at + 1] << 8)) << bitCount
        at += 2
        bitCount += 16
      }
      const entry = literals[bits & literalMask]
      const size = entry & SIZE_MASK
      if (size === 0) break
      if (entry < MATCH << ENTRY_SHIFT) {
        bits >>>= size
        bitCount -= size
        output[length++] = entry >> ENTRY_SHIFT
        continue
      }
      if (entry >= END_OF_BLOCK << ENTRY_SHIFT) break
      // Nothing counts before the distance is known to be good.
      const extra = (entry >> (ENTRY_SHIFT + EXTRA_SHIFT)) & EXTRA_MASK
      const count = (entry >> (ENTRY_SHIFT + BASE_SHIFT)) + ((bits >>> size) & ((1 << extra) - 1))
      let rest = bits >>> (size + extra)
      let restCount = bitCount - size - extra
      let next = at
      if (restCount < 15) {
        rest |= (input[next] | (input[next + 1] << 8)) << restCount
        next += 2
        restCount += 16
      }
      // Of a distance: 21.
      if (restCount < 21) {
        rest |= input[next] << restCount
        next += 1
        restCount += 8
      }
      const far = distances[rest & distanceMask]
      const farSize = far & SIZE_MASK
      if (farSize === 0 || far >= UNUSED << ENTRY_SHIFT) break
      const farExtra = (far >> ENTRY_SHIFT) & DISTANCE_MASK
      const distance =
        (far >> (ENTRY_SHIFT + DISTANCE_SHIFT)) + ((rest >>> farSize) & ((1 << farExtra) - 1))
      if (distance > length) break
      bits = rest >>> (farSize + farExtra)
      bitCount = restCount - farSize - farExtra
      at = next
      const end = length + count
      if (distance < 4) for (; length < end; length += 1) output[length] = output[length - distance]
      else {
        // Beyond the end is room, and what is written there is written again.
        for (; length < end; length += 4) words.setInt32(length, words.getInt32(length - distance))
        length = end
      }
    }
    source.at = at
    source.bits = bits
    source.bitCount = bitCount
    const isAny = length > this.#length
    this.#length = length
    return isAny
  }

  #symbol(): void {
    const input = this.#input
    const value = input.decode(this.#literals)
    if (value < MATCH) {
      this.#reserve(1)
      this.#output[this.#length] = value
      this.#length += 1
      return
    }
    if (value === END_OF_BLOCK) {
      this.#stage = 'block'
      return
    }
    if (value === UNUSED) throw BAD
    const length = (value >> BASE_SHIFT) + input.take((value >> EXTRA_SHIFT) & EXTRA_MASK)
    const far = input.decode(this.#distances)
    if (far === UNUSED) throw BAD
    const distance = (far >> DISTANCE_SHIFT) + input.take(far & DISTANCE_MASK)
    if (distance > this.#length) throw BAD
    const count = this.#reserve(length)
    const output = this.#output
    for (let index = 0, to = this.#length; index < count; index += 1, to += 1)
      output[to] = output[to - distance]
    this.#length += count
  }

  /** Makes room; @returns how many of the bytes fit below the bound */
  #reserve(count: number): number {
    const fits = Math.min(count, this.#bound - this.#length)
    if (this.#length + fits > this.#output.length) {
      const grown = Buffer.allocUnsafe(
        Math.min(this.#bound, Math.max(this.#output.length * 2, this.#length + fits)),
      )
      this.#output.copy(grown, 0, 0, this.#length)
      this.#writeTo(grown)
    }
    return fits
  }

  #writeTo(output: Buffer<ArrayBuffer>): void {
    this.#output = output
    this.#words = new DataView(output.buffer, output.byteOffset, output.length)
  }
}
