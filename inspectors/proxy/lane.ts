import type { Socket } from 'node:net'
import { giveBack } from './give-back.ts'
import { JOIN_CHUNKS, SMALL_CHUNK_BYTES } from './limits.ts'

/**
 * One direction of a connection: bytes wait here until the chain has let them go, and leave exactly as
 * they came.
 *
 * Offsets count bytes from the start of the direction. `push` appends; `release` moves the mark up to
 * which bytes may leave; `flush` writes them. In the common case a chunk is pushed, released as a whole
 * and flushed in one turn: it is then written as it is, without a copy.
 *
 * The source is not read while the sink has more than its high-water mark to write, or while somebody
 * else holds it (`hold`). Ends travel in order: the sink is ended after the last byte was written.
 */

/** Held bytes of all lanes of a worker. */
export interface HeldBudget {
  bytes: number
}

/** Why a source is not read. */
export const PAUSED_BY_SINK = 1
export const PAUSED_BY_PARSER = 2

export class Lane {
  readonly source: Socket
  readonly sink: Socket
  /** Bytes received from the source. */
  receivedBytes = 0
  readonly #budget: HeldBudget
  readonly #chunks: Buffer[] = []
  /** Consecutive small chunks at the end of `#chunks`. */
  #smallChunks = 0
  /** Offset of the first byte in `#chunks`. */
  #writtenOffset = 0
  #releasedOffset = 0
  #accountedBytes = 0
  #pauses = 0
  #isEnded = false

  constructor(source: Socket, sink: Socket, budget: HeldBudget) {
    this.source = source
    this.sink = sink
    this.#budget = budget
    sink.on('drain', () => this.resume(PAUSED_BY_SINK))
  }

  /** Bytes that were received and not yet written. */
  get heldBytes(): number {
    return this.receivedBytes - this.#writtenOffset
  }

  push(chunk: Buffer): void {
    this.receivedBytes += chunk.length
    this.#chunks.push(chunk)
    if (this.#chunks.length === 1) return
    this.#smallChunks = chunk.length < SMALL_CHUNK_BYTES ? this.#smallChunks + 1 : 0
    if (this.#smallChunks >= JOIN_CHUNKS) {
      const small = this.#chunks.splice(this.#chunks.length - JOIN_CHUNKS)
      this.#chunks.push(Buffer.concat(small))
      this.#smallChunks = 0
    }
  }

  /** Bytes before this offset may leave; offsets that lie back are ignored. */
  release(offset: number): void {
    if (offset > this.#releasedOffset) this.#releasedOffset = offset
  }

  /**
   * Bytes before this offset never leave. Those that were released before are flushed first, by the caller.
   *
   * @param offset of bytes that were received
   */
  skip(offset: number): void {
    const chunks = this.#chunks
    while (this.#writtenOffset < offset && chunks.length > 0) {
      const chunk = chunks[0]
      const skipped = Math.min(chunk.length, offset - this.#writtenOffset)
      this.#writtenOffset += skipped
      if (skipped < chunk.length) chunks[0] = chunk.subarray(skipped)
      else chunks.shift()
    }
    if (chunks.length === 0) this.#smallChunks = 0
    this.#account()
  }

  /** Nothing is held in this direction any more. */
  releaseAll(): void {
    this.#releasedOffset = Number.POSITIVE_INFINITY
  }

  /** A chunk of a lane with nothing to hold. */
  forward(chunk: Buffer): void {
    if (this.#chunks.length > 0) {
      this.push(chunk)
      this.flush()
      return
    }
    this.receivedBytes += chunk.length
    this.#writtenOffset += chunk.length
    if (!this.sink.write(chunk)) this.pause(PAUSED_BY_SINK)
    giveBack(chunk, this.sink)
  }

  flush(): void {
    const chunks = this.#chunks
    if (chunks.length > 0 && this.#releasedOffset > this.#writtenOffset) {
      const first = chunks[0]
      if (chunks.length > 1) this.#writeMany()
      else if (this.#writeFirst()) giveBack(first, this.sink)
    }
    this.#account()
    if (this.#isEnded && this.heldBytes === 0 && this.sink.writable) this.sink.end()
  }

  /** The source has sent its FIN. */
  end(): void {
    this.#isEnded = true
    this.flush()
  }

  /** Forgets what is held: those bytes never leave. */
  discard(): void {
    this.#chunks.length = 0
    this.#writtenOffset = this.receivedBytes
    this.#budget.bytes -= this.#accountedBytes
    this.#accountedBytes = 0
  }

  pause(reason: number): void {
    if (this.#pauses === 0) this.source.pause()
    this.#pauses |= reason
  }

  resume(reason: number): void {
    if ((this.#pauses & reason) === 0) return
    this.#pauses &= ~reason
    if (this.#pauses === 0) this.source.resume()
  }

  #account(): void {
    const held = this.heldBytes
    if (held === this.#accountedBytes) return
    this.#budget.bytes += held - this.#accountedBytes
    this.#accountedBytes = held
  }

  #writeMany(): void {
    const written: Buffer[] = []
    this.sink.cork()
    while (this.#chunks.length > 0 && this.#releasedOffset > this.#writtenOffset) {
      const first = this.#chunks[0]
      if (!this.#writeFirst()) break
      written.push(first)
    }
    this.sink.uncork()
    for (const chunk of written) giveBack(chunk, this.sink)
  }

  /** False when only a part of the first chunk may leave. */
  #writeFirst(): boolean {
    const chunk = this.#chunks[0]
    const free = this.#releasedOffset - this.#writtenOffset
    const isWhole = free >= chunk.length
    const out = isWhole ? chunk : chunk.subarray(0, free)
    if (isWhole) {
      this.#chunks.shift()
      if (this.#chunks.length === 0) this.#smallChunks = 0
    } else {
      this.#chunks[0] = chunk.subarray(free)
    }
    this.#writtenOffset += out.length
    if (!this.sink.write(out)) this.pause(PAUSED_BY_SINK)
    return isWhole
  }
}
