/** UTF-8 needs at most this many bytes for one UTF-16 unit; escaped it has six. */
const MAX_BYTES_PER_UNIT = 6
/** Shorter pieces are copied here: a call costs more. */
const MIN_SET_BYTES = 24
const QUOTE = 0x22
const BACKSLASH = 0x5c
const DIGIT_0 = 0x30

/** 1 for ASCII that `JSON.stringify` writes as an escape. */
const ESCAPED = Uint8Array.from({ length: 256 }, (_, byte) =>
  byte < 0x20 || byte === QUOTE || byte === BACKSLASH ? 1 : 0,
)

/**
 * One line of JSON in the making, as UTF-8. What is given again and again is given as bytes; texts are escaped as
 * `JSON.stringify` does it while they are copied. What has no room is left out, and `isFull` says so.
 */
export class LineBytes {
  readonly #bytes: Buffer
  #length = 0
  #isFull = false

  /** @param capacity longest line */
  constructor(capacity: number) {
    this.#bytes = Buffer.allocUnsafeSlow(capacity)
  }

  /** Something had no room: what is there is no line. */
  get isFull(): boolean {
    return this.#isFull
  }

  /** The line. Not valid any more after the next `clear`. */
  get bytes(): Buffer {
    return this.#bytes.subarray(0, this.#length)
  }

  clear(): void {
    this.#length = 0
    this.#isFull = false
  }

  /** All of another line. */
  addLine(other: LineBytes): void {
    this.add(other.#bytes, other.#length)
    if (other.#isFull) this.#isFull = true
  }

  /** Bytes as they are. */
  add(piece: Uint8Array, length = piece.length): void {
    const at = this.#length
    if (at + length > this.#bytes.length) {
      this.#isFull = true
      return
    }
    this.#length = at + length
    if (length >= MIN_SET_BYTES) {
      this.#bytes.set(length === piece.length ? piece : piece.subarray(0, length), at)
      return
    }
    const bytes = this.#bytes
    for (let index = 0; index < length; index += 1) bytes[at + index] = piece[index]
  }

  /** A JSON string, quotes and all. */
  addText(text: string): void {
    const { length } = text
    const bytes = this.#bytes
    const start = this.#length
    if (start + length * MAX_BYTES_PER_UNIT + 2 > bytes.length) {
      this.#isFull = true
      return
    }
    const end = start + 1 + bytes.write(text, start + 1)
    // As many bytes as units: it is ASCII.
    let escaped = end - start - 1 - length
    for (let at = start + 1; at < end; at += 1) escaped |= ESCAPED[bytes[at]]
    if (escaped !== 0) {
      this.#length = start + bytes.write(JSON.stringify(text), start)
      return
    }
    bytes[start] = QUOTE
    bytes[end] = QUOTE
    this.#length = end + 1
  }

  /** A number as JSON has it. */
  addNumber(value: number): void {
    if (value >= 0 && value <= 9 && Number.isInteger(value)) {
      this.addDigits(value, 1)
      return
    }
    const text = String(value)
    if (this.#length + text.length > this.#bytes.length) this.#isFull = true
    else this.#length += this.#bytes.write(text, this.#length)
  }

  /**
   * The last digits of a number, with zeros before them where it has fewer.
   *
   * @param value a whole one, not below 0
   */
  addDigits(value: number, count: number): void {
    if (this.#length + count > this.#bytes.length) {
      this.#isFull = true
      return
    }
    let left = value
    for (let at = this.#length + count - 1; at >= this.#length; at -= 1) {
      this.#bytes[at] = DIGIT_0 + (left % 10)
      left = Math.floor(left / 10)
    }
    this.#length += count
  }
}
