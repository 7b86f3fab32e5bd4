/**
 * Buffers that bodies are gathered in, used again: each new one would be memory outside of the heap, which
 * makes the collector run over the whole of it far more often than the heap itself gives reason to.
 */

/** Sizes that are kept, and how many of each: at most 2.5 MiB. Larger ones are made each time. */
const KEPT = [
  { bytes: 4_096, most: 64 },
  { bytes: 16_384, most: 32 },
  { bytes: 65_536, most: 12 },
  { bytes: 131_072, most: 8 },
] as const

export const MOST_KEPT_BYTES = KEPT.reduce((sum, { bytes, most }) => sum + bytes * most, 0)

export class BufferPool {
  readonly #free: Buffer[][] = KEPT.map(() => [])

  /** A buffer of at least so many bytes, with whatever was in it. */
  take(bytes: number): Buffer {
    const kind = KEPT.findIndex((kept) => kept.bytes >= bytes)
    if (kind < 0) return Buffer.allocUnsafeSlow(bytes)
    return this.#free[kind].pop() ?? Buffer.allocUnsafeSlow(KEPT[kind].bytes)
  }

  /** @param buffer that `take` gave; nobody may use it, or any part of it, any more */
  give(buffer: Buffer): void {
    const kind = KEPT.findIndex((kept) => kept.bytes === buffer.length)
    if (kind >= 0 && this.#free[kind].length < KEPT[kind].most) this.#free[kind].push(buffer)
  }
}
