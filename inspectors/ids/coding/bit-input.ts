import { CUT_CODE, ENTRY_SHIFT, type HuffmanTable, MAX_CODE_BITS, SIZE_MASK } from './huffman.ts'

/** What reading throws where the input ends, and where it is none that DEFLATE allows. */
export const NEED = new Error('the input ends')
export const BAD = new Error('no such data')

const NO_BYTES: Uint8Array = Buffer.alloc(0)

/** The bits of pieces of input, the lowest of each byte first (RFC 1951, 3.1.1). */
export class BitInput {
  bytes = NO_BYTES
  /** What is not read yet begins here, beside the `bitCount` bits of `bits`. */
  at = 0
  bits = 0
  bitCount = 0
  #markedAt = 0
  #markedBits = 0
  #markedBitCount = 0

  /** A piece is valid until `keep`. */
  add(piece: Uint8Array): void {
    this.bytes =
      this.at < this.bytes.length ? Buffer.concat([this.bytes.subarray(this.at), piece]) : piece
    this.at = 0
  }

  /** Copies what is left of the piece. */
  keep(): void {
    const isRead = this.at >= this.bytes.length
    this.bytes = isRead ? NO_BYTES : Uint8Array.prototype.slice.call(this.bytes, this.at)
    this.at = 0
  }

  /** Where `goBack` goes back to. */
  mark(): void {
    this.#markedAt = this.at
    this.#markedBits = this.bits
    this.#markedBitCount = this.bitCount
  }

  goBack(): void {
    this.at = this.#markedAt
    this.bits = this.#markedBits
    this.bitCount = this.#markedBitCount
  }

  /** Whole bytes that were read ahead go back to the input. */
  giveBack(): void {
    this.at -= this.bitCount >> 3
    this.bitCount &= 7
    this.bits &= (1 << this.bitCount) - 1
  }

  /** Goes on with the next whole byte. */
  align(): void {
    this.giveBack()
    this.bits = 0
    this.bitCount = 0
  }

  /** @returns what the next code stands for */
  decode(table: HuffmanTable): number {
    this.#fill(MAX_CODE_BITS)
    let entry = table.fast[this.bits & table.mask]
    if (entry === 0 || (entry & SIZE_MASK) > this.bitCount) {
      entry = table.find(this.bits, this.bitCount)
      if (entry < 0) throw entry === CUT_CODE ? NEED : BAD
    }
    this.bits >>>= entry & SIZE_MASK
    this.bitCount -= entry & SIZE_MASK
    return entry >> ENTRY_SHIFT
  }

  take(count: number): number {
    this.#fill(count)
    if (this.bitCount < count) throw NEED
    const value = this.bits & ((1 << count) - 1)
    this.bits >>>= count
    this.bitCount -= count
    return value
  }

  /** Of whole bytes. */
  byte(): number {
    if (this.at >= this.bytes.length) throw NEED
    const value = this.bytes[this.at]
    this.at += 1
    return value
  }

  skip(count: number): void {
    if (this.at + count > this.bytes.length) throw NEED
    this.at += count
  }

  /** Reads until so many bits are there, or no input is left. */
  #fill(count: number): void {
    for (; this.bitCount < count && this.at < this.bytes.length; this.bitCount += 8) {
      this.bits |= this.bytes[this.at] << this.bitCount
      this.at += 1
    }
  }
}
