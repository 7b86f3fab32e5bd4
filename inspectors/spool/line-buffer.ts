/** Reserved at first, and again after a flush that needed more. */
const CAPACITY_BYTES = 65_536
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

  /** @param line without line end */
  append(line: string): void {
    const needed = this.#bytes + line.length * MAX_BYTES_PER_UNIT + 1
    if (needed > this.#buffer.length) this.#grow(needed)
    this.#bytes += this.#buffer.write(line, this.#bytes)
    this.#buffer[this.#bytes++] = LF
    this.#lines++
  }

  /** All of them, each with its line end. Not valid any more after the next `append`. */
  get bytes(): Buffer {
    return this.#buffer.subarray(0, this.#bytes)
  }

  /** None waits afterwards. */
  clear(): void {
    if (this.#buffer.length > CAPACITY_BYTES) this.#buffer = Buffer.allocUnsafeSlow(CAPACITY_BYTES)
    this.#bytes = 0
    this.#lines = 0
  }

  #grow(needed: number): void {
    const grown = Buffer.allocUnsafeSlow(2 * needed)
    this.#buffer.copy(grown, 0, 0, this.#bytes)
    this.#buffer = grown
  }
}
