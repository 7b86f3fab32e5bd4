import type { ByteSet } from '#signatures/pcre/gate.ts'
import type { ByteKinds } from './byte-kinds.ts'

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

/** Which of many byte masks share a byte with a text: one OR of words per kind of byte. */
export class ByteMasks {
  /** Bits of the masks that do, after `mark`. */
  readonly hits: Int32Array
  readonly #words: number
  /** Per kind `#words` words: the masks that hold its bytes. */
  readonly #rows: Int32Array

  constructor(masks: readonly ByteSet[], kinds: ByteKinds) {
    // Four words at a time go through registers.
    const words = Math.max(4, Math.ceil(masks.length / 128) * 4)
    this.#words = words
    this.hits = new Int32Array(words)
    this.#rows = new Int32Array(kinds.size * words)
    for (let word = 0; word < words; word += 1) {
      const ofKind = kinds.perKind((byte) => {
        let bits = 0
        for (let bit = 0; bit < 32; bit += 1) {
          const mask = masks.at(word * 32 + bit)
          if (mask !== undefined && (mask[byte >> 5] & (1 << (byte & 31))) !== 0) bits |= 1 << bit
        }
        return bits
      })
      for (const [kind, bits] of ofKind.entries()) this.#rows[kind * words + word] = bits
    }
  }

  /** Looks at the text that was scanned last. */
  mark({ found, count }: ByteKinds): void {
    const words = this.#words
    const rows = this.#rows
    const hits = this.hits
    for (let word = 0; word < words; word += 4) {
      let first = 0
      let second = 0
      let third = 0
      let fourth = 0
      for (let index = 0; index < count; index += 1) {
        const from = found[index] * words + word
        first |= rows[from]
        second |= rows[from + 1]
        third |= rows[from + 2]
        fourth |= rows[from + 3]
      }
      hits[word] = first
      hits[word + 1] = second
      hits[word + 2] = third
      hits[word + 3] = fourth
    }
  }
}
