/** Fills a buffer from its beginning. @returns bytes that were written; 0: there are no more */
export type ReadInto = (into: Buffer) => number

/** Bytes that are read at once. */
const CHUNK_BYTES = 1_048_576

/**
 * A stretch of a long file that is held at a time. A chunk is written once only: who keeps a part of it keeps it as it is,
 * and the chunk lives as long as a part of it is kept.
 */
export class ByteWindow {
  readonly #read: ReadInto
  #isOver = false
  /** What is unread begins at `at`; it ends at `#end`. */
  bytes: Buffer = Buffer.alloc(0)
  at = 0
  #end = 0

  constructor(read: ReadInto) {
    this.#read = read
  }

  /** True when so many bytes are there, from `at` on. The file is read on as far as it takes. */
  has(length: number): boolean {
    if (this.#end - this.at >= length) return true
    if (this.#isOver) return false
    const held = this.#end - this.at
    const bytes = Buffer.allocUnsafeSlow(Math.max(CHUNK_BYTES, length))
    this.bytes.copy(bytes, 0, this.at, this.#end)
    this.bytes = bytes
    this.at = 0
    this.#end = held
    while (this.#end < bytes.length) {
      const read = this.#read(bytes.subarray(this.#end))
      this.#end += read
      if (read > 0) continue
      this.#isOver = true
      break
    }
    return this.#end >= length
  }

  /** @returns false when there are not so many: nothing was skipped, or all that there was */
  skip(length: number): boolean {
    let left = length
    while (left > this.#end - this.at) {
      left -= this.#end - this.at
      this.at = this.#end
      if (!this.has(1)) return false
    }
    this.at += left
    return true
  }
}
