/**
 * One direction of a TCP connection put in order. The first copy of a byte wins, as inline inspection has it;
 * segments ahead of a gap wait, bounded in number and bytes.
 */

/** Segments and bytes that wait behind a gap. */
export const MAX_WAITING_SEGMENTS = 1024
export const MAX_WAITING_BYTES = 1_048_576

export class HalfStream {
  #next: number
  #waiting: { sequence: number; payload: Buffer }[] = []
  #waitingBytes = 0
  /** Stretches of bytes that were given up. */
  gaps = 0

  /** @param next sequence number of the first byte */
  constructor(next: number) {
    this.#next = next >>> 0
  }

  /** Sequence number of the next byte in order. */
  get next(): number {
    return this.#next
  }

  /** Bytes that can be delivered now, in order. */
  push(sequence: number, payload: Buffer): Buffer[] {
    if (payload.length === 0) return []
    const ready: Buffer[] = []
    this.#take(sequence, payload, ready)
    if (ready.length > 0) this.#drain(ready)
    return ready
  }

  /**
   * The other side has acknowledged what the capture does not hold: the gap will not be filled.
   *
   * @returns bytes behind the gap
   */
  acknowledge(number: number): Buffer[] {
    if (this.#waiting.length === 0) return []
    const first = this.#first()
    // Numbers are compared modulo 2^32.
    if (((number - first) | 0) <= 0) return []
    return this.#skipTo(first)
  }

  /** The connection is over: what waits is given as if the gaps were filled. */
  flush(): Buffer[] {
    const ready: Buffer[] = []
    while (this.#waiting.length > 0) ready.push(...this.#skipTo(this.#first()))
    return ready
  }

  #first(): number {
    let first = this.#waiting[0].sequence
    for (const { sequence } of this.#waiting) if (((sequence - first) | 0) < 0) first = sequence
    return first
  }

  #skipTo(sequence: number): Buffer[] {
    if (((sequence - this.#next) | 0) > 0) {
      this.#next = sequence >>> 0
      this.gaps += 1
    }
    const ready: Buffer[] = []
    this.#drain(ready)
    return ready
  }

  #take(sequence: number, payload: Buffer, ready: Buffer[]): void {
    // Difference modulo 2^32 as a signed number: negative when the segment begins before `#next`.
    const ahead = (sequence - this.#next) | 0
    if (ahead > 0) {
      this.#hold(sequence, payload)
      return
    }
    const fresh = payload.subarray(-ahead)
    if (fresh.length === 0) return
    ready.push(fresh)
    this.#next = (this.#next + fresh.length) >>> 0
  }

  #hold(sequence: number, payload: Buffer): void {
    if (
      this.#waiting.length >= MAX_WAITING_SEGMENTS ||
      this.#waitingBytes + payload.length > MAX_WAITING_BYTES
    )
      return
    this.#waiting.push({ sequence, payload })
    this.#waitingBytes += payload.length
  }

  #drain(ready: Buffer[]): void {
    for (let moved = true; moved && this.#waiting.length > 0;) {
      const before = ready.length
      const waiting = this.#waiting
      this.#waiting = []
      this.#waitingBytes = 0
      for (const { sequence, payload } of waiting) this.#take(sequence, payload, ready)
      moved = ready.length > before
    }
  }
}
