import type { Prefers } from './os-policy.ts'

/** A stretch of bytes whose owner is decided. */
export interface Piece {
  /** Offset of its first byte. */
  start: number
  data: Buffer
  /** Where the segment began and ended that these bytes came with. */
  readonly from: number
  readonly to: number
}

export interface Added {
  /** Bytes that were not there before. */
  fresh: number
  /** Some bytes were there already. */
  overlaps: boolean
  /** Some of them with other values. */
  differs: boolean
}

/**
 * Bytes of a stream or of a fragmented packet, in order and without overlaps: where a new segment lies over old ones,
 * who wins is asked. Adding behind the last piece, the common case, costs nothing but the append; elsewhere it costs a
 * binary search and the pieces that are touched.
 */
export class Pieces {
  readonly #pieces: Piece[] = []
  #bytes = 0

  get bytes(): number {
    return this.#bytes
  }

  get count(): number {
    return this.#pieces.length
  }

  get first(): Piece | null {
    return this.#pieces.length === 0 ? null : this.#pieces[0]
  }

  /** Offset behind the last byte; 0 when there is none. */
  get end(): number {
    if (this.#pieces.length === 0) return 0
    const last = this.#pieces[this.#pieces.length - 1]
    return last.start + last.data.length
  }

  [Symbol.iterator](): IterableIterator<Piece> {
    return this.#pieces.values()
  }

  at(index: number): Piece {
    return this.#pieces[index]
  }

  /** Takes the first piece away. */
  shift(): Piece | null {
    // The engine's `shift` is slow to call, and most streams have one piece.
    const piece = this.#pieces.length === 1 ? this.#pieces.pop() : this.#pieces.shift()
    if (piece === undefined) return null
    this.#bytes -= piece.data.length
    return piece
  }

  /** Takes away what lies before an offset. */
  dropBefore(offset: number): void {
    while (this.#pieces.length > 0) {
      const piece = this.#pieces[0]
      const end = piece.start + piece.data.length
      if (piece.start >= offset) return
      if (end <= offset) {
        this.shift()
        continue
      }
      this.#bytes -= offset - piece.start
      piece.data = piece.data.subarray(offset - piece.start)
      piece.start = offset
      return
    }
  }

  /** @param prefersNew whose bytes win where the segment lies over a piece */
  add(start: number, data: Buffer, prefersNew: Prefers): Added {
    const end = start + data.length
    const added: Added = { fresh: 0, overlaps: false, differs: false }
    if (data.length === 0) return added
    if (this.#pieces.length === 0 || start >= this.end) {
      this.#pieces.push({ start, data, from: start, to: end })
      this.#bytes += data.length
      added.fresh = data.length
      return added
    }
    const first = this.#indexEndingAfter(start)
    let behind = first
    const kept: Piece[] = []
    let at = start
    for (; behind < this.#pieces.length; behind += 1) {
      const old = this.#pieces[behind]
      if (old.start >= end) break
      if (at < old.start) {
        kept.push({
          start: at,
          data: data.subarray(at - start, old.start - start),
          from: start,
          to: end,
        })
        added.fresh += old.start - at
      }
      at = this.#overlap(old, start, data, prefersNew, kept, added)
    }
    if (at < end) {
      kept.push({ start: at, data: data.subarray(at - start), from: start, to: end })
      added.fresh += end - at
    }
    this.#pieces.splice(first, behind - first, ...kept)
    this.#bytes += added.fresh
    return added
  }

  /** @returns offset up to which new and old are decided */
  #overlap(
    old: Piece,
    start: number,
    data: Buffer,
    prefersNew: Prefers,
    kept: Piece[],
    added: Added,
  ): number {
    const end = start + data.length
    const oldEnd = old.start + old.data.length
    const from = Math.max(old.start, start)
    const to = Math.min(oldEnd, end)
    const mine = data.subarray(from - start, to - start)
    added.overlaps = true
    if (!mine.equals(old.data.subarray(from - old.start, to - old.start))) added.differs = true
    if (!prefersNew(old.from, old.to, start, end)) {
      kept.push(old)
      return oldEnd
    }
    if (old.start < from) kept.push({ ...old, data: old.data.subarray(0, from - old.start) })
    kept.push({ start: from, data: mine, from: start, to: end })
    if (to < oldEnd)
      kept.push({ start: to, data: old.data.subarray(to - old.start), from: old.from, to: old.to })
    return Math.max(to, oldEnd)
  }

  /** The bytes that are held of a stretch, over what the buffer has there. */
  readInto(start: number, into: Buffer): void {
    const end = start + into.length
    for (let index = this.#indexEndingAfter(start); index < this.#pieces.length; index += 1) {
      const piece = this.#pieces[index]
      if (piece.start >= end) return
      const from = Math.max(piece.start, start)
      piece.data.copy(into, from - start, from - piece.start)
    }
  }

  #indexEndingAfter(offset: number): number {
    let low = 0
    let high = this.#pieces.length
    while (low < high) {
      const middle = (low + high) >> 1
      const piece = this.#pieces[middle]
      if (piece.start + piece.data.length > offset) high = middle
      else low = middle + 1
    }
    return low
  }
}
