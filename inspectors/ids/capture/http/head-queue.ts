import { ByteQueue } from '#inspectors/http/byte-queue.ts'
import { MAX_HEAD_BYTES, MAX_LOOKAHEAD_BYTES } from './limits.ts'

const LF = 0x0a
const CR = 0x0d
const FIELD = /^[A-Za-z][A-Za-z0-9_-]*[ \t]*:/

/**
 * Unread bytes of one direction that finds the end of a head in itself as it grows, each byte looked at once.
 *
 * An empty line ends it. A line of blanks (other control characters among them) does so as well, as
 * recipients are known to differ there, unless an empty or folded line or another field follows it.
 */
export class HeadQueue extends ByteQueue {
  /** Start of the line that is being looked at, and how far it was searched. */
  #line = 0
  #searched = 0
  /** A line of the head has something to read in it. */
  #hasText = false

  /**
   * @param isOver no more bytes will come
   * @returns bytes of the head; 0 when more are needed; -1 when it is too long
   */
  scan(isOver: boolean): number {
    for (;;) {
      const lf = this.findLf(this.#searched)
      if (lf < 0) {
        this.#searched = this.length
        return this.length > MAX_HEAD_BYTES ? -1 : 0
      }
      const kind = lineKind(this, this.#line, lf)
      const isEnd =
        kind === 'empty' ? true : kind === 'text' ? false : this.#blankEnds(lf + 1, isOver)
      if (isEnd === null) {
        this.#searched = lf
        return 0
      }
      // Empty lines before the first line belong to no head.
      const isLeading = isEnd && !this.#hasText && this.text(0, this.#line).trim() === ''
      if (!this.#hasText && kind === 'text') this.#hasText = hasGraphic(this, this.#line, lf)
      this.#line = lf + 1
      this.#searched = lf + 1
      if (isEnd && !isLeading) {
        this.#line = 0
        this.#searched = 0
        this.#hasText = false
        return lf + 1
      }
      if (this.#line > MAX_HEAD_BYTES) return -1
    }
  }

  /** Null when the bytes that decide have not come. */
  #blankEnds(next: number, isOver: boolean): boolean | null {
    if (next >= this.length) return isOver ? true : null
    const byte = this.buffer[this.start + next]
    if (byte === 0x20 || byte === 0x09 || byte === LF) return false
    if (byte === CR) {
      if (next + 1 >= this.length) return isOver ? true : null
      if (this.buffer[this.start + next + 1] === LF) return false
    }
    const end = Math.min(this.length, next + MAX_LOOKAHEAD_BYTES)
    const text = this.text(next, end)
    if (FIELD.test(text)) return false
    const mayBecome = /^[A-Za-z][A-Za-z0-9_-]*[ \t]*$/.test(text)
    return mayBecome && end - next < MAX_LOOKAHEAD_BYTES && !isOver ? null : true
  }
}

/** The line begins, behind blanks, with a visible character of ASCII. */
function hasGraphic({ buffer, start }: ByteQueue, from: number, lf: number): boolean {
  for (let at = start + from; at < start + lf; at += 1)
    if (buffer[at] > 0x20) return buffer[at] < 0x7f
  return false
}

function lineKind(queue: ByteQueue, from: number, lf: number): 'empty' | 'blank' | 'text' {
  const { buffer, start } = queue
  const last = lf > from && buffer[start + lf - 1] === CR ? lf - 1 : lf
  if (last === from) return 'empty'
  for (let at = from; at < last; at += 1) {
    const byte = buffer[start + at]
    if (byte !== 0x20 && !(byte >= 0x09 && byte <= 0x0d && byte !== LF)) return 'text'
  }
  return 'blank'
}
