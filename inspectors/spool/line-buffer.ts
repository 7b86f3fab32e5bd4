/** Reserved at first. */
const CAPACITY_BYTES = 65_536
/** What a flush needed is kept for the next, up to this. */
const MAX_KEPT_BYTES = 524_288
/** UTF-8 needs at most this many bytes for one UTF-16 unit. */
const MAX_BYTES_PER_UNIT = 3
const LF = 0x0a

/**
 * Lines that wait to be written together, as bytes: to join texts first and to encode them then costs twice
 * as much as to encode each as it comes.
 */
export class LineBuffer {
  #buffer = Buffer.allocUnsafeSlow(CAPACITY_BYTES)
  #bytes = 0
  #lines = 0

  /** How many wait. */
  get lines(): number {
    return this.#lines
  }

  /** @param line without line end; bytes are UTF-8 */
  append(line: string | Uint8Array): void {
    const isText = typeof line === 'string'
    const needed = this.#bytes + line.length * (isText ? MAX_BYTES_PER_UNIT : 1) + 1
    if (needed > this.#buffer.length) this.#grow(needed)
    if (isText) this.#bytes += this.#buffer.write(line, this.#bytes)
    else {
      this.#buffer.set(line, this.#bytes)
      this.#bytes += line.length
    }
    this.#buffer[this.#bytes++] = LF
    this.#lines++
  }

  /** All of them, each with its line end. Not valid any more after the next `append`. */
  get bytes(): Buffer {
    return this.#buffer.subarray(0, this.#bytes)
  }

  /** None waits afterwards. */
  clear(): void {
    if (this.#buffer.length > MAX_KEPT_BYTES) this.#buffer = Buffer.allocUnsafeSlow(CAPACITY_BYTES)
    this.#bytes = 0
    this.#lines = 0
  }

  #grow(needed: number): void {
    const grown = Buffer.allocUnsafeSlow(2 * needed)
    this.#buffer.copy(grown, 0, 0, this.#bytes)
    this.#buffer = grown
  }
}
