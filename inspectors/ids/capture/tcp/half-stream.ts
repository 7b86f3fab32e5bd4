import type { Flow } from '#inspectors/inspector.ts'
import type { Prefers } from '../os-policy.ts'
import { type Added, type Piece, Pieces } from '../pieces.ts'
import { ahead, plus } from './sequence.ts'

/** Bytes and segments of one direction that wait to be acknowledged, or for a gap to be filled. */
export const MAX_WAITING_BYTES = 4_194_304
export const MAX_WAITING_SEGMENTS = 8192
/** Bytes of one direction that stay after delivery, so that what comes again can be compared. */
export const MAX_KEPT_BYTES = 262_144
/** Bytes of all streams of a capture that wait. */
export const DEFAULT_STREAM_MEMORY = 268_435_456
/** A hole of so many bytes makes two areas of a stream. */
const REGION_GAP = 262_144
/** Urgent bytes that are taken out of a stream; more stay in it. */
export const MAX_URGENT_BYTES = 1024
/** What a segment costs beside its bytes. */
const SEGMENT_COST = 160

/** What all streams together hold. */
export interface StreamMemory {
  bytes: number
  readonly limit: number
}

/** What all streams of a capture are bound by. */
export interface StreamLimits {
  readonly memory: StreamMemory
  /** Bytes of a direction that are put in order; 0: all. */
  readonly depth: number
}

/** Where bytes in order go. */
export interface StreamSink {
  bytes(flow: Flow, bytes: Buffer): void
  /** So many bytes of the direction are missing and will not come. */
  gap(flow: Flow, bytes: number): void
}

export type AddResult = Added | 'before' | 'depth' | 'memory'

/**
 * One direction of a TCP connection put in order. Segments wait until they are let go: with their acknowledgement where
 * traffic is watched (until then the receiver may still decide for other bytes), at once where it is stopped or passed.
 */
export class HalfStream {
  /** Sequence number and position, in bytes from the beginning, of the next byte that is let go. */
  #sequence = 0
  #position = 0
  readonly #pieces = new Pieces()
  readonly #limits: StreamLimits
  /** What it has of the memory of all streams. */
  #held = 0
  /** Segments may be added. */
  isFollowed = false
  /** Positions of bytes that the receiver is given out of band, in order; those before `#position` are gone. Null: none was. */
  #urgent: number[] | null = null
  #urgentBytes = 0
  #isDeep = false
  gaps = 0
  /** Areas that lay far apart from one another at one time, most. */
  regions = 1

  constructor(limits: StreamLimits) {
    this.#limits = limits
  }

  /** It begins, or begins anew. @param from sequence number of the first byte */
  follow(from: number): void {
    this.close()
    this.isFollowed = true
    this.#sequence = from | 0
    this.#position = 0
    this.#urgent = null
    this.#urgentBytes = 0
    this.#isDeep = false
    this.gaps = 0
    this.regions = 1
  }

  /** Sequence number of the next byte that is let go. */
  get nextInOrder(): number {
    return this.#sequence
  }

  /** Nothing waits. */
  get isEmpty(): boolean {
    return this.#pieces.count === 0
  }

  /** True when the receiver has acknowledged what lies behind bytes that are missing. */
  hasGapBefore(acknowledged: number): boolean {
    const limit = this.#position + ahead(acknowledged, this.#sequence)
    for (let index = 0; index < this.#pieces.count; index += 1) {
      const piece = this.#pieces.at(index)
      if (piece.start + piece.data.length <= this.#position) continue
      return piece.start > this.#position && limit > piece.start
    }
    return false
  }

  /** Says `depth` once: with the first segment that goes beyond it. */
  add(sequence: number, payload: Buffer, prefersNew: Prefers): AddResult {
    const start = this.#position + ahead(sequence, this.#sequence)
    let from = Math.max(start, this.#keptFrom())
    if (from < 0) from = 0
    let end = start + payload.length
    if (end <= from) return 'before'
    const { depth, memory } = this.#limits
    if (depth > 0 && end > depth) {
      end = depth
      if (from >= end) return this.#reachDepth() ? 'depth' : 'before'
    }
    if (this.#pieces.count >= MAX_WAITING_SEGMENTS || memory.bytes + (end - from) > memory.limit)
      return 'memory'
    if (this.#pieces.count > 0 && from - this.#pieces.end > REGION_GAP) this.regions += 1
    const isWhole = end - from === payload.length
    const taken = isWhole ? payload : payload.subarray(from - start, end - start)
    const added = this.#pieces.add(from, taken, prefersNew)
    this.#account()
    return start + payload.length > end && this.#reachDepth() ? 'depth' : added
  }

  /**
   * Lets go what is in order up to a sequence number.
   *
   * @param acknowledged bytes before it have reached the receiver: what is missing there will not come
   * @param isEager what is not acknowledged is let go too
   * @param flow the direction, as the sink is to be told
   */
  release(acknowledged: number, isEager: boolean, sink: StreamSink, flow: Flow): void {
    if (this.#pieces.count === 0) return
    const limit = this.#position + ahead(acknowledged, this.#sequence)
    const overfull =
      this.#pieces.bytes > MAX_WAITING_BYTES || this.#pieces.count >= MAX_WAITING_SEGMENTS
    this.#letGo(isEager || overfull ? Infinity : limit, overfull ? Infinity : limit, sink, flow)
    this.#trim(isEager, limit)
    this.#account()
  }

  /**
   * Takes a byte out of the stream: it is urgent, and the receiver reads it apart.
   *
   * @returns false when there were too many: it stays
   */
  takeOut(sequence: number): boolean {
    const position = this.#position + ahead(sequence, this.#sequence)
    const urgent = (this.#urgent ??= [])
    if (position < this.#position || urgent.includes(position)) return true
    if (this.#urgentBytes >= MAX_URGENT_BYTES) return false
    this.#urgentBytes += 1
    urgent.push(position)
    urgent.sort((left, right) => left - right)
    return true
  }

  /** The connection is over: what waits is let go, over the gaps. These do not count: nobody has gone on behind them. */
  flush(sink: StreamSink, flow: Flow): void {
    const { gaps } = this
    this.#letGo(Infinity, Infinity, sink, flow)
    this.gaps = gaps
    this.#pieces.dropBefore(this.#position)
    this.#account()
  }

  /** Nothing will be added any more. */
  rest(): void {
    this.close()
    this.isFollowed = false
    this.#urgent = null
  }

  /** Gives its share of the memory back. */
  close(): void {
    this.#pieces.dropBefore(Infinity)
    this.#account()
  }

  /** The segment's bytes as the stream has them: what is first stays where data comes twice. */
  asHeld(sequence: number, payload: Buffer): Buffer {
    const start = this.#position + ahead(sequence, this.#sequence)
    const held = Buffer.from(payload)
    if (start >= 0) this.#pieces.readInto(start, held)
    return held
  }

  #letGo(limit: number, sureOfGaps: number, sink: StreamSink, flow: Flow): void {
    for (let index = 0; index < this.#pieces.count; index += 1) {
      const piece = this.#pieces.at(index)
      const end = piece.start + piece.data.length
      if (end <= this.#position) continue
      if (piece.start > this.#position) {
        // The receiver has acknowledged what lies behind the hole: it was filled without us.
        if (sureOfGaps <= piece.start) return
        const missing = piece.start - this.#position
        this.#advance(missing)
        this.gaps += 1
        sink.gap(flow, missing)
      }
      if (this.#position >= limit) return
      const to = Math.min(end, limit)
      this.#give(piece, to, sink, flow)
      if (to < end) return
    }
  }

  /** Gives a piece up to a position, without what is urgent in it. */
  #give(piece: Piece, to: number, sink: StreamSink, flow: Flow): void {
    const urgent = this.#urgent
    while (this.#position < to) {
      const isUrgent = urgent !== null && urgent.length > 0 && urgent[0] < to
      const until = isUrgent ? urgent[0] : to
      const from = this.#position - piece.start
      const bytes = until - this.#position
      if (isUrgent) urgent.shift()
      this.#advance(bytes + (isUrgent ? 1 : 0))
      if (bytes === piece.data.length) sink.bytes(flow, piece.data)
      else if (bytes > 0) sink.bytes(flow, piece.data.subarray(from, from + bytes))
    }
  }

  #advance(bytes: number): void {
    this.#position += bytes
    this.#sequence = plus(this.#sequence, bytes)
  }

  #trim(isEager: boolean, acknowledged: number): void {
    const isCrowded = this.#pieces.count > MAX_WAITING_SEGMENTS / 2
    const done = isEager && !isCrowded ? Math.min(this.#position, acknowledged) : this.#position
    this.#pieces.dropBefore(Math.max(done, this.#position - MAX_KEPT_BYTES))
  }

  #keptFrom(): number {
    const first = this.#pieces.first
    return first === null ? this.#position : Math.min(first.start, this.#position)
  }

  #account(): void {
    const held = this.#pieces.bytes + this.#pieces.count * SEGMENT_COST
    this.#limits.memory.bytes += held - this.#held
    this.#held = held
  }

  #reachDepth(): boolean {
    if (this.#isDeep) return false
    this.#isDeep = true
    return true
  }
}
