import { StreamSide } from './stream-side.ts'

const NO_BYTES = Buffer.alloc(0)

/** One direction of a connection: what each of its packets and chunks touches. */
export class Direction {
  /** Packets of a capture, with the newest. */
  packets = 0
  packetBytes = 0
  /** Payload bytes so far. */
  streamBytes = 0
  /** Protocol that its own bytes tell; null: none (yet). */
  spoken: string | null = null
  /** Its own bytes told a protocol, or will not. */
  hasSpoken = false
  /** Its first bytes, while they have not told. */
  head: Buffer = NO_BYTES
  #stream: StreamSide | null = null
  /** Bytes of the stream that is not kept any more. */
  #restedAt = 0
  /** Rules about addresses alone match once in it, and so do rules without any buffer on its chunks. */
  #firedOnPackets: Set<number> | null = null
  #firedOnChunks: Set<number> | null = null

  /** Its bytes in order; made when there are any. */
  get stream(): StreamSide {
    return (this.#stream ??= new StreamSide(this.#restedAt))
  }

  hasFiredOnPackets(rule: number): boolean {
    return this.#firedOnPackets !== null && this.#firedOnPackets.has(rule)
  }

  fireOnPackets(rule: number): void {
    this.#firedOnPackets ??= new Set()
    this.#firedOnPackets.add(rule)
  }

  hasFiredOnChunks(rule: number): boolean {
    return this.#firedOnChunks !== null && this.#firedOnChunks.has(rule)
  }

  fireOnChunks(rule: number): void {
    this.#firedOnChunks ??= new Set()
    this.#firedOnChunks.add(rule)
  }

  /** No byte will come any more: of its stream only how many there were is kept. */
  rest(): void {
    if (this.#stream === null) return
    this.#restedAt = this.#stream.total
    this.#stream = null
  }
}
