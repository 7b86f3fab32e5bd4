/** A piece costs more than its bytes: so many that came one by one are made into one. */
const JOINED_PIECES = 512

/** Text of a body up to a limit: latin1, copied once from the chunks in which it comes. */
export class BodyBuffer {
  #pieces: string[] = []
  /** Those that are not joined yet, at most JOINED_PIECES. */
  #newest: string[] = []
  #length = 0

  /** Bytes. */
  get length(): number {
    return this.#length
  }

  /** Keeps what fits. False: there was more than the limit lets in. */
  append(chunk: Buffer, limit: number): boolean {
    const room = limit - this.#length
    if (room <= 0 && chunk.length > 0) return false
    const kept = Math.min(room, chunk.length)
    if (kept > 0) {
      this.#newest.push(chunk.toString('latin1', 0, kept))
      this.#length += kept
      if (this.#newest.length === JOINED_PIECES) {
        this.#pieces.push(this.#newest.join(''))
        this.#newest = []
      }
    }
    return kept === chunk.length
  }

  /** All that was kept; nothing is kept afterwards. */
  take(): string {
    const pieces = this.#pieces.length === 0 ? this.#newest : [...this.#pieces, ...this.#newest]
    const text = pieces.length === 1 ? pieces[0] : pieces.join('')
    this.#pieces = []
    this.#newest = []
    this.#length = 0
    return text
  }
}
