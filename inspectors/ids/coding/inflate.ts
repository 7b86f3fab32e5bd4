/**
 * Inflates gzip, zlib and raw DEFLATE data (RFC 1950 to 1952) that arrives in pieces, synchronously and with
 * a bound on the output. Node's own zlib is either asynchronous or wants the whole input.
 *
 * Every symbol is decoded from a checkpoint: when the input ends inside one, the reader goes back to the
 * checkpoint and the symbol is read again with the next piece. Checksums are not verified: a receiver that
 * does not either would see the data, and so do the rules.
 */
import {
  CODE_ORDER,
  CODE_SYMBOLS,
  DISTANCE_BASE,
  DISTANCE_EXTRA,
  FIXED,
  LENGTH_BASE,
  LENGTH_EXTRA,
} from './deflate-codes.ts'
import { CUT_CODE, type HuffmanTable } from './huffman.ts'
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

/** Largest gzip header: more is no header but an attack. */
export const MAX_GZIP_HEADER = 65_536

const NO_BYTES: Uint8Array = Buffer.alloc(0)
const NEED = new Error('the input ends')
const BAD = new Error('no such data')

export class Inflater {
  readonly #format: 'gzip' | 'deflate'
  readonly #bound: number
  #input = NO_BYTES
  #at = 0
  #bits = 0
  #bitCount = 0
  #stage: Stage = 'header'
  #isLastBlock = false
  #stored = 0
  #literals: HuffmanTable = FIXED.literals
  #distances: HuffmanTable = FIXED.distances
  /** Of the block that is being read, when it has codes of its own. */
  #own: OwnLengths | null = null
  #output = Buffer.alloc(0)
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
    this.#input =
      this.#at < this.#input.length ? Buffer.concat([this.#input.subarray(this.#at), chunk]) : chunk
    if (this.#output.length === 0) this.#output = firstOutput(chunk.length)
    if (this.#own !== null && !holdsTablesOf(this)) writeTables(this, this.#own)
    let at = (this.#at = 0)
    let bits = this.#bits
    let bitCount = this.#bitCount
    try {
      while (this.#stage !== 'done' && this.#stage !== 'failed' && this.#length < this.#bound) {
        if (!this.#step()) break
        at = this.#at
        bits = this.#bits
        bitCount = this.#bitCount
      }
    } catch (error) {
      if (error === NEED) {
        this.#at = at
        this.#bits = bits
        this.#bitCount = bitCount
      } else if (error === BAD) this.#stage = 'failed'
      else throw error
    }
    this.#giveBack()
    // The caller's chunk is valid during the call only.
    const isRead = this.#at >= this.#input.length
    this.#input = isRead ? NO_BYTES : Uint8Array.prototype.slice.call(this.#input, this.#at)
    this.#at = 0
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
    if (this.#byte() !== 0x1f || this.#byte() !== 0x8b || this.#byte() !== 8) throw BAD
    const flags = this.#byte()
    this.#skip(6)
    if ((flags & 4) !== 0) this.#skip(this.#byte() | (this.#byte() << 8))
    if ((flags & 8) !== 0) while (this.#byte() !== 0);
    if ((flags & 16) !== 0) while (this.#byte() !== 0);
    if ((flags & 2) !== 0) this.#skip(2)
  }

  #zlibHeader(): void {
    const first = this.#byte()
    const second = this.#byte()
    if ((first & 0x0f) === 8 && first >> 4 <= 7 && ((first << 8) | second) % 31 === 0) {
      if ((second & 0x20) !== 0) throw BAD
      return
    }
    this.#at -= 2
  }

  /** Checksum and length, then perhaps another member: receivers join them. @returns false: they are not there yet */
  #trailer(): boolean {
    this.#giveBack()
    this.#bits = 0
    this.#bitCount = 0
    if (this.#input.length - this.#at < 9) return false
    this.#at += 8
    this.#isLastBlock = false
    this.#stage = this.#input[this.#at] === 0x1f ? 'header' : 'done'
    return true
  }

  /** Whole bytes that were read ahead go back to the input. */
  #giveBack(): void {
    this.#at -= this.#bitCount >> 3
    this.#bitCount &= 7
    this.#bits &= (1 << this.#bitCount) - 1
  }

  #block(): void {
    if (this.#isLastBlock) {
      this.#stage = this.#format === 'gzip' ? 'trailer' : 'done'
      return
    }
    const last = this.#take(1) === 1
    const kind = this.#take(2)
    if (kind === 0) {
      this.#giveBack()
      this.#bits = 0
      this.#bitCount = 0
      const length = this.#byte() | (this.#byte() << 8)
      const inverse = this.#byte() | (this.#byte() << 8)
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
    const literalCount = this.#take(5) + 257
    const distanceCount = this.#take(5) + 1
    const codeCount = this.#take(4) + 4
    if (literalCount > 286) throw BAD
    lengths.fill(0)
    for (let index = 0; index < codeCount; index += 1) lengths[CODE_ORDER[index]] = this.#take(3)
    if (!CODES.build(lengths, 0, CODE_SYMBOLS)) throw BAD
    lengths.fill(0)
    const total = literalCount + distanceCount
    for (let index = 0; index < total;) {
      const symbol = this.#decode(CODES)
      if (symbol < 16) {
        lengths[index] = symbol
        index += 1
        continue
      }
      if (symbol === 16 && index === 0) throw BAD
      const value = symbol === 16 ? lengths[index - 1] : 0
      const count =
        symbol === 16 ? 3 + this.#take(2) : symbol === 17 ? 3 + this.#take(3) : 11 + this.#take(7)
      if (index + count > total) throw BAD
      lengths.fill(value, index, index + count)
      index += count
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
    const count = Math.min(this.#stored, this.#input.length - this.#at)
    if (count === 0 && this.#stored > 0) throw NEED
    const room = this.#reserve(count)
    this.#output.set(this.#input.subarray(this.#at, this.#at + room), this.#length)
    this.#length += room
    this.#at += count
    this.#stored -= count
    if (this.#stored === 0) this.#stage = 'block'
  }

  /** Symbols as long as there is more input and room than one can take; those with long codes are left to `#symbol`. @returns false: none */
  #symbols(): boolean {
    const input = this.#input
    const inputEnd = input.length - SYMBOL_BYTES
    const outputEnd = Math.min(this.#output.length, this.#bound) - MAX_MATCH
    const output = this.#output
    const { fast: literals, mask: literalMask } = this.#literals
    const { fast: distances, mask: distanceMask } = this.#distances
    let at = this.#at
    let bits = this.#bits
    let bitCount = this.#bitCount
    let length = this.#length
    while (at <= inputEnd && length <= outputEnd) {
      for (; bitCount <= 22; bitCount += 8) bits |= input[at++] << bitCount
      const entry = literals[bits & literalMask]
      const size = entry & 15
      if (size === 0) break
      const symbol = entry >> 4
      if (symbol < 256) {
        bits >>>= size
        bitCount -= size
        output[length++] = symbol
        continue
      }
      if (symbol === 256 || symbol > 285) break
      // Nothing counts before the distance is known to be good.
      const extra = LENGTH_EXTRA[symbol - 257]
      const count = LENGTH_BASE[symbol - 257] + ((bits >>> size) & ((1 << extra) - 1))
      let rest = bits >>> (size + extra)
      let restCount = bitCount - size - extra
      let next = at
      for (; restCount <= 22; restCount += 8) rest |= input[next++] << restCount
      const far = distances[rest & distanceMask]
      const farSize = far & 15
      const code = far >> 4
      if (farSize === 0 || code > 29) break
      const farExtra = DISTANCE_EXTRA[code]
      const distance = DISTANCE_BASE[code] + ((rest >>> farSize) & ((1 << farExtra) - 1))
      if (distance > length) break
      bits = rest >>> (farSize + farExtra)
      bitCount = restCount - farSize - farExtra
      at = next
      for (const end = length + count; length < end; length += 1)
        output[length] = output[length - distance]
    }
    this.#at = at
    this.#bits = bits
    this.#bitCount = bitCount
    const isAny = length > this.#length
    this.#length = length
    return isAny
  }

  #symbol(): void {
    const symbol = this.#decode(this.#literals)
    if (symbol < 256) {
      this.#reserve(1)
      this.#output[this.#length] = symbol
      this.#length += 1
      return
    }
    if (symbol === 256) {
      this.#stage = 'block'
      return
    }
    if (symbol > 285) throw BAD
    const length = LENGTH_BASE[symbol - 257] + this.#take(LENGTH_EXTRA[symbol - 257])
    const code = this.#decode(this.#distances)
    if (code > 29) throw BAD
    const distance = DISTANCE_BASE[code] + this.#take(DISTANCE_EXTRA[code])
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
      this.#output = grown
    }
    return fits
  }

  #decode(table: HuffmanTable): number {
    while (this.#bitCount < 15 && this.#at < this.#input.length) {
      this.#bits |= this.#input[this.#at] << this.#bitCount
      this.#at += 1
      this.#bitCount += 8
    }
    const entry = table.fast[this.#bits & table.mask]
    const size = entry & 15
    if (size !== 0 && size <= this.#bitCount) {
      this.#bits >>>= size
      this.#bitCount -= size
      return entry >> 4
    }
    return this.#decodeLong(table)
  }

  #decodeLong(table: HuffmanTable): number {
    const entry = table.find(this.#bits, this.#bitCount)
    if (entry < 0) throw entry === CUT_CODE ? NEED : BAD
    this.#bits >>>= entry & 15
    this.#bitCount -= entry & 15
    return entry >> 4
  }

  #take(count: number): number {
    while (this.#bitCount < count) {
      if (this.#at >= this.#input.length) throw NEED
      this.#bits |= this.#input[this.#at] << this.#bitCount
      this.#at += 1
      this.#bitCount += 8
    }
    const value = this.#bits & ((1 << count) - 1)
    this.#bits >>>= count
    this.#bitCount -= count
    return value
  }

  #byte(): number {
    if (this.#at >= this.#input.length) throw NEED
    if (this.#stage === 'header' && this.#at > MAX_GZIP_HEADER) throw BAD
    const value = this.#input[this.#at]
    this.#at += 1
    return value
  }

  #skip(count: number): void {
    if (this.#at + count > this.#input.length) throw NEED
    this.#at += count
  }
}
