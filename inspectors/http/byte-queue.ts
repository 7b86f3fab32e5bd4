const EMPTY = Buffer.alloc(0)
const FIRST_CAPACITY = 1_024
/** Below this many bytes a loop is faster than a call of `indexOf`. */
const SHORT_SCAN = 32

/**
 * Unread bytes of one direction. While a push is worked off, it is a view of the pushed chunk; what is
 * left over is copied by `retain` into a buffer that grows by doubling, so a head that comes byte by
 * byte costs time linear in its size.
 */
export class ByteQueue {
  /** Unread bytes are `buffer[start, end)`; bytes beyond `end` are meaningless. */
  buffer: Buffer = EMPTY
  start = 0
  end = 0
  /** Absolute offset of `start` in the direction's stream. */
  offset = 0
  #isOwn = false

  get length(): number {
    return this.end - this.start
  }

  /** What is unread is part of the newest chunk that was pushed, not a copy. */
  get isPushed(): boolean {
    return !this.#isOwn
  }

  push(chunk: Buffer): void {
    if (this.start === this.end) {
      this.buffer = chunk
      this.start = 0
      this.end = chunk.length
      this.#isOwn = false
      return
    }
    this.#reserve(chunk.length)
    chunk.copy(this.buffer, this.end)
    this.end += chunk.length
  }

  consume(bytes: number): void {
    this.start += bytes
    this.offset += bytes
  }

  /** Has to be called before the pushed chunk is given back to its owner. */
  retain(): void {
    if (this.start === this.end) this.clear()
    else if (!this.#isOwn) this.#reserve(0)
  }

  clear(): void {
    this.offset += this.end - this.start
    this.buffer = EMPTY
    this.start = 0
    this.end = 0
    this.#isOwn = false
  }

  /** Index of the first LF, counted from `start`, not before `from`; -1 when there is none. */
  findLf(from: number): number {
    const { buffer, start, end } = this
    const at = start + from
    if (end - at < SHORT_SCAN) {
      for (let i = at; i < end; i++) if (buffer[i] === 0x0a) return i - start
      return -1
    }
    // The search may not run on into the capacity beyond `end`: it would cost that much for each push.
    const unread = end === buffer.length ? buffer : buffer.subarray(0, end)
    const found = unread.indexOf(0x0a, at)
    return found === -1 ? -1 : found - start
  }

  /** `[from, to)`, counted from `start`, as latin1. */
  text(from: number, to: number): string {
    return this.buffer.toString('latin1', this.start + from, this.start + to)
  }

  #reserve(more: number): void {
    const length = this.end - this.start
    if (this.#isOwn && this.end + more <= this.buffer.length) return
    const capacity = Math.max(FIRST_CAPACITY, 2 * (length + more))
    const grown = Buffer.allocUnsafeSlow(capacity)
    this.buffer.copy(grown, 0, this.start, this.end)
    this.buffer = grown
    this.start = 0
    this.end = length
    this.#isOwn = true
  }
}
