/** Chunks of a body, copied, up to a limit. */
export class BodyBuffer {
  #chunks: Buffer[] = []
  #length = 0

  get length(): number {
    return this.#length
  }

  /** Keeps what fits. False: there was more than the limit lets in. */
  append(chunk: Buffer, limit: number): boolean {
    const room = limit - this.#length
    if (room <= 0 && chunk.length > 0) return false
    const kept = chunk.length > room ? chunk.subarray(0, room) : chunk
    if (kept.length > 0) {
      this.#chunks.push(Buffer.from(kept))
      this.#length += kept.length
    }
    return kept.length === chunk.length
  }

  /** All that was kept; the buffer is empty afterwards. */
  take(): Buffer {
    const bytes = this.#chunks.length === 1 ? this.#chunks[0] : Buffer.concat(this.#chunks)
    this.#chunks = []
    this.#length = 0
    return bytes
  }
}
