/** Of longer texts each byte is looked at once, whatever the number of those who ask. */
const SHORT_BYTES = 512

/** The bytes of a text, in any order: what is asked about single bytes is asked of these. */
export class ByteSamples {
  /** The first `count` are the samples. Valid as long as the text that was given is. */
  bytes: Uint8Array = new Uint8Array(0)
  count = 0
  readonly #distinct = new Uint8Array(256)
  readonly #seen = new Uint8Array(256)

  /** Takes a text as a whole. */
  take(bytes: Uint8Array, length: number): void {
    if (length <= SHORT_BYTES) {
      this.bytes = bytes
      this.count = length
      return
    }
    this.begin()
    this.add(bytes, length)
    this.end()
  }

  /** Before a text that comes in pieces. */
  begin(): void {
    this.#seen.fill(0)
  }

  add(bytes: Uint8Array, length: number): void {
    const seen = this.#seen
    for (let index = 0; index < length; index += 1) seen[bytes[index]] = 1
  }

  /** All pieces were added. */
  end(): void {
    const seen = this.#seen
    const distinct = this.#distinct
    let count = 0
    for (let byte = 0; byte < 256; byte += 1) if (seen[byte] === 1) distinct[count++] = byte
    this.bytes = distinct
    this.count = count
  }
}
