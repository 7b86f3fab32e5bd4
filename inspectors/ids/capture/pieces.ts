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
  /** The only piece, as most streams have no more at a time; null: there is none, or there are several. */
  #only: Piece | null = null
  /** All pieces where they are several; null: they are not. */
  #several: Piece[] | null = null
  #bytes = 0

  get bytes(): number {
    return this.#bytes
  }

  get count(): number {
    if (this.#several !== null) return this.#several.length
    return this.#only === null ? 0 : 1
  }

  get first(): Piece | null {
    return this.#several === null ? this.#only : this.#several[0]
  }

  /** Offset behind the last byte; 0 when there is none. */
  get end(): number {
    const last = this.#several === null ? this.#only : this.#several[this.#several.length - 1]
    return last === null ? 0 : last.start + last.data.length
  }

  [Symbol.iterator](): IterableIterator<Piece> {
    return this.#all().values()
  }

  /** @param index below `count` */
  at(index: number): Piece {
    return this.#several === null ? this.#only! : this.#several[index]
  }

  /** Takes the first piece away. */
  shift(): Piece | null {
    const piece = this.first
    if (piece === null) return null
    if (this.#several === null) this.#only = null
    else if (this.#several.length > 2) this.#several.shift()
    else {
      this.#only = this.#several[1]
      this.#several = null
    }
    this.#bytes -= piece.data.length
    return piece
  }

  /** Takes away what lies before an offset. */
  dropBefore(offset: number): void {
    for (let piece = this.first; piece !== null; piece = this.first) {
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
    if (this.count === 0 || start >= this.end) {
      this.#append({ start, data, from: start, to: end })
      this.#bytes += data.length
      added.fresh = data.length
      return added
    }
    const first = this.#indexEndingAfter(start)
    let behind = first
    const pieces = this.#all()
    const kept: Piece[] = []
    let at = start
    for (; behind < pieces.length; behind += 1) {
      const old = pieces[behind]
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
    pieces.splice(first, behind - first, ...kept)
    this.#keep(pieces)
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
    for (let index = this.#indexEndingAfter(start); index < this.count; index += 1) {
      const piece = this.at(index)
      if (piece.start >= end) return
      const from = Math.max(piece.start, start)
      piece.data.copy(into, from - start, from - piece.start)
    }
  }

  /** Behind all others. */
  #append(piece: Piece): void {
    if (this.#several !== null) this.#several.push(piece)
    else if (this.#only === null) this.#only = piece
    else this.#keep([this.#only, piece])
  }

  #all(): Piece[] {
    return this.#several ?? (this.#only === null ? [] : [this.#only])
  }

  /** Has these from now on. */
  #keep(pieces: Piece[]): void {
    this.#only = pieces.length === 1 ? pieces[0] : null
    this.#several = pieces.length > 1 ? pieces : null
  }

  #indexEndingAfter(offset: number): number {
    let low = 0
    let high = this.count
    while (low < high) {
      const middle = (low + high) >> 1
      const piece = this.at(middle)
      if (piece.start + piece.data.length > offset) high = middle
      else low = middle + 1
    }
    return low
  }
}
