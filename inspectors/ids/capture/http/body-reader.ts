import type { ByteQueue } from '#inspectors/http/byte-queue.ts'
import type { BodyFraming } from '#inspectors/http/transaction.ts'
import { MAX_SIZE_LINE_BYTES } from './limits.ts'

type State = 'length' | 'size' | 'chunk' | 'trailer' | 'close' | 'done'

/**
 * Takes the body of one message out of a queue. A chunk whose size cannot be read makes the rest of the
 * connection the body, the unreadable line included: what a recipient that does not know of chunks sees.
 */
export class BodyReader {
  #state: State
  #left = 0

  readonly #fault: (kind: 'extension' | 'length') => void

  /** @param fault told of a chunk with an extension, or whose size cannot be read */
  constructor(framing: BodyFraming, fault: (kind: 'extension' | 'length') => void = () => {}) {
    this.#fault = fault
    switch (framing.kind) {
      case 'none':
        this.#state = 'done'
        break
      case 'length':
        this.#state = framing.bytes === 0 ? 'done' : 'length'
        this.#left = framing.bytes
        break
      case 'chunked':
        this.#state = 'size'
        break
      case 'until-close':
        this.#state = 'close'
    }
  }

  get done(): boolean {
    return this.#state === 'done'
  }

  /**
   * Bytes of the message are missing.
   *
   * @returns false when what follows them cannot be told apart any more
   */
  skip(bytes: number): boolean {
    if (this.#state === 'close') return true
    if ((this.#state !== 'length' && this.#state !== 'chunk') || bytes > this.#left) return false
    this.#left -= bytes
    if (this.#left === 0) this.#state = this.#state === 'length' ? 'done' : 'size'
    return true
  }

  /** @returns the next piece, valid until the queue changes; null when more bytes are needed or it is done */
  read(queue: ByteQueue): Buffer | null {
    for (;;) {
      switch (this.#state) {
        case 'done':
          return null
        case 'close':
          return take(queue, queue.length)
        case 'length':
        case 'chunk': {
          const piece = take(queue, Math.min(queue.length, this.#left))
          if (piece === null) return null
          this.#left -= piece.length
          if (this.#left === 0) this.#state = this.#state === 'length' ? 'done' : 'size'
          return piece
        }
        case 'size':
          if (!this.#size(queue)) return null
          break
        case 'trailer':
          if (!this.#trailer(queue)) return null
          break
      }
    }
  }

  /** False when more bytes are needed. */
  #size(queue: ByteQueue): boolean {
    skipBlanks(queue)
    const lf = queue.findLf(0)
    const known = lf < 0 ? Math.min(queue.length, MAX_SIZE_LINE_BYTES) : lf
    const text = queue.text(0, Math.min(known, MAX_SIZE_LINE_BYTES))
    const digits = /^[0-9a-fA-F]+/.exec(text)
    if (digits === null ? text !== '' : digits[0].length > 12) {
      this.#fault('length')
      this.#state = 'close'
      return true
    }
    if (lf < 0 && queue.length < MAX_SIZE_LINE_BYTES) return false
    if (lf < 0 || lf > MAX_SIZE_LINE_BYTES || digits === null) {
      this.#state = 'close'
      return true
    }
    queue.consume(lf + 1)
    if (text.includes(';')) this.#fault('extension')
    this.#left = Number.parseInt(digits[0], 16)
    this.#state = this.#left === 0 ? 'trailer' : 'chunk'
    return true
  }

  #trailer(queue: ByteQueue): boolean {
    const lf = queue.findLf(0)
    if (lf < 0) {
      if (queue.length > MAX_SIZE_LINE_BYTES) this.#state = 'close'
      return queue.length > MAX_SIZE_LINE_BYTES
    }
    const isEmpty = queue.text(0, lf).trim() === ''
    queue.consume(lf + 1)
    if (isEmpty) this.#state = 'done'
    return true
  }
}

function take(queue: ByteQueue, bytes: number): Buffer | null {
  if (bytes === 0) return null
  const piece = queue.buffer.subarray(queue.start, queue.start + bytes)
  queue.consume(bytes)
  return piece
}

/** Line ends, blanks and control characters before a chunk's size. */
function skipBlanks(queue: ByteQueue): void {
  const { buffer, start, end } = queue
  let at = start
  while (at < end && (buffer[at] === 0x20 || (buffer[at] >= 0x09 && buffer[at] <= 0x0d))) at += 1
  queue.consume(at - start)
}
