/**
 * Memory that bodies are gathered in. It lies outside of the heap; left to the collector it would make that run
 * over the whole heap far more often than the heap itself gives reason to. So small buffers are used again, and
 * large ones given back as soon as nobody needs them.
 */

/** Sizes that are kept, and how many of each. */
const KEPT = [
  { bytes: 4_096, most: 64 },
  { bytes: 16_384, most: 32 },
] as const

export const MOST_KEPT_BYTES = KEPT.reduce((sum, { bytes, most }) => sum + bytes * most, 0)

export class BufferPool {
  readonly #free: Buffer<ArrayBuffer>[][] = KEPT.map(() => [])

  /** A buffer of at least so many bytes, with whatever was in it. */
  take(bytes: number): Buffer<ArrayBuffer> {
    const kind = KEPT.findIndex((kept) => kept.bytes >= bytes)
    if (kind < 0) return Buffer.allocUnsafeSlow(bytes)
    return this.#free[kind].pop() ?? Buffer.allocUnsafeSlow(KEPT[kind].bytes)
  }

  /** @param buffer that `take` gave; nobody may use it, or any part of it, any more */
  give(buffer: Buffer<ArrayBuffer>): void {
    const kind = KEPT.findIndex((kept) => kept.bytes === buffer.length)
    if (kind >= 0 && this.#free[kind].length < KEPT[kind].most) this.#free[kind].push(buffer)
    else if (buffer.length > 0) buffer.buffer.transfer(0)
  }
}
