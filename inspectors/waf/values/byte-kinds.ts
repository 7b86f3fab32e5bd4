import { StampSet } from '#inspectors/matching/stamp-set.ts'

/**
 * Bytes that nobody tells apart are of one kind. What a text is asked about its bytes is asked once per kind
 * that occurs in it, however long it is.
 */
export class ByteKinds {
  /** Kinds there are. */
  readonly size: number
  /** Kinds that were added: the first `count`. */
  readonly found: Int32Array
  count = 0
  readonly #kindOf = new Uint8Array(256)
  readonly #seen: StampSet

  /** @param keyOf equal for bytes of the same kind */
  constructor(keyOf: (byte: number) => string) {
    const kinds = new Map<string, number>()
    for (let byte = 0; byte < 256; byte += 1) {
      const key = keyOf(byte)
      const kind = kinds.get(key) ?? kinds.size
      kinds.set(key, kind)
      this.#kindOf[byte] = kind
    }
    this.size = kinds.size
    this.found = new Int32Array(kinds.size)
    this.#seen = new StampSet(kinds.size)
  }

  clear(): void {
    this.#seen.clear()
    this.count = 0
  }

  /** Adds the kinds of the first `length` bytes. */
  add(bytes: Uint8Array, length: number): void {
    const found = this.found
    const kindOf = this.#kindOf
    const seen = this.#seen
    let count = this.count
    for (let index = 0; index < length; index += 1) {
      const kind = kindOf[bytes[index]]
      if (seen.add(kind)) found[count++] = kind
    }
    this.count = count
  }

  /** For each kind, the value of one of its bytes: all have the same. */
  perKind(valueOf: (byte: number) => number): Int32Array {
    const values = new Int32Array(this.size)
    for (let byte = 0; byte < 256; byte += 1) values[this.#kindOf[byte]] = valueOf(byte)
    return values
  }
}
