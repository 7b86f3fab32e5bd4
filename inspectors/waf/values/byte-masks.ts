import type { ByteSet } from '#signatures/pcre/gate.ts'

/** Numbers of distinct byte masks, given out while gates are read. */
export class MaskNumbers {
  readonly masks: ByteSet[] = []
  readonly #numbers = new Map<string, number>()

  numberOf(mask: ByteSet): number {
    const key = mask.join()
    const known = this.#numbers.get(key)
    if (known !== undefined) return known
    const number = this.masks.push(mask) - 1
    this.#numbers.set(key, number)
    return number
  }
}

/** Which of many byte masks share a byte with a text: one OR of words per byte. */
export class ByteMasks {
  /** Bits of the masks that do, after `mark`. */
  readonly hits: Int32Array
  /** 1, 2 or a multiple of 4: so many go through registers at a time. */
  readonly #words: number
  /** Per byte `#words` words: the masks that hold it. */
  readonly #rows: Int32Array

  constructor(masks: readonly ByteSet[]) {
    const needed = Math.ceil(masks.length / 32)
    const words = needed <= 1 ? 1 : needed === 2 ? 2 : Math.ceil(needed / 4) * 4
    this.#words = words
    this.hits = new Int32Array(words)
    this.#rows = new Int32Array(256 * words)
    for (const [number, mask] of masks.entries()) {
      for (let byte = 0; byte < 256; byte += 1) {
        if ((mask[byte >> 5] & (1 << (byte & 31))) === 0) continue
        this.#rows[byte * words + (number >> 5)] |= 1 << (number & 31)
      }
    }
  }

  /** @param bytes all that a text has, in any order, as often as they like */
  mark(bytes: Uint8Array, count: number): void {
    switch (this.#words) {
      case 1:
        this.hits[0] = this.#inOneWord(bytes, count)
        return
      case 2:
        this.#inTwoWords(bytes, count)
        return
      default:
        for (let word = 0; word < this.#words; word += 4) this.#inFourWords(bytes, count, word)
    }
  }

  #inOneWord(bytes: Uint8Array, count: number): number {
    const rows = this.#rows
    let bits = 0
    for (let index = 0; index < count; index += 1) bits |= rows[bytes[index]]
    return bits
  }

  #inTwoWords(bytes: Uint8Array, count: number): void {
    const rows = this.#rows
    let first = 0
    let second = 0
    for (let index = 0; index < count; index += 1) {
      const from = bytes[index] * 2
      first |= rows[from]
      second |= rows[from + 1]
    }
    this.hits[0] = first
    this.hits[1] = second
  }

  #inFourWords(bytes: Uint8Array, count: number, word: number): void {
    const words = this.#words
    const rows = this.#rows
    let first = 0
    let second = 0
    let third = 0
    let fourth = 0
    for (let index = 0; index < count; index += 1) {
      const from = bytes[index] * words + word
      first |= rows[from]
      second |= rows[from + 1]
      third |= rows[from + 2]
      fourth |= rows[from + 3]
    }
    this.hits[word] = first
    this.hits[word + 1] = second
    this.hits[word + 2] = third
    this.hits[word + 3] = fourth
  }
}
