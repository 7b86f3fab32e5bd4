import { BufferPool } from './buffer-pool.ts'

const NOTHING = Buffer.allocUnsafeSlow(0)
/** Of all bodies of this process: they are many, and short-lived. */
const pool = new BufferPool()

/** Bytes of a body up to a limit, copied once from the chunks in which they come. */
export class BodyBuffer {
  #storage = NOTHING
  #taken = NOTHING
  #length = 0

  /** Bytes that were kept and not taken. */
  get length(): number {
    return this.#length
  }

  /**
   * Keeps what fits. False: there was more than the limit lets in.
   *
   * @param expected bytes that the sender says the body has. Nothing is reserved on its word alone: no
   *   more than as much again as has come, rounded up.
   */
  append(chunk: Buffer, limit: number, expected = Number.POSITIVE_INFINITY): boolean {
    const room = limit - this.#length
    if (room <= 0 && chunk.length > 0) return false
    const kept = Math.min(room, chunk.length)
    const needed = this.#length + kept
    if (needed > this.#storage.length) {
      this.#grow(Math.max(needed, Math.min(expected, limit, 2 * needed)))
    }
    chunk.copy(this.#storage, this.#length, 0, kept)
    this.#length = needed
    return kept === chunk.length
  }

  /** All that was kept, valid until `release`; nothing is kept afterwards. */
  take(): Buffer {
    this.release()
    const bytes = this.#storage.subarray(0, this.#length)
    this.#taken = this.#storage
    this.#storage = NOTHING
    this.#length = 0
    return bytes
  }

  /** What was taken is not needed any more: its memory is used for other bodies from now on. */
  release(): void {
    pool.give(this.#taken)
    this.#taken = NOTHING
  }

  #grow(bytes: number): void {
    const grown = pool.take(bytes)
    this.#storage.copy(grown, 0, 0, this.#length)
    pool.give(this.#storage)
    this.#storage = grown
  }
}
