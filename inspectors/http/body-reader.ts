import { type Anomaly, note } from './anomaly.ts'
import type { ByteQueue } from './byte-queue.ts'
import { CHAR_CLASS, HEX } from './char-class.ts'
import { readFieldLine } from './field-line.ts'
import type { HttpErrorCode } from './http-error.ts'
import type { HttpLimits } from './limits.ts'
import type { BodyFraming, HttpHeader } from './transaction.ts'

/**
 * Reads a body by its framing, one step per call. Chunked (RFC 9112 section 7.1):
 *
 *     chunked-body  = *chunk last-chunk trailer-section CRLF
 *     chunk         = chunk-size [ chunk-ext ] CRLF chunk-data CRLF
 *     chunk-size    = 1*HEXDIG
 *     last-chunk    = 1*("0") [ chunk-ext ] CRLF
 *
 * Readers differ over signs, `0x`, blanks, digits beyond their integers and line ends in the size line
 * and after the data; a request that uses any of it is refused.
 */

/** Hexadecimal digits of a chunk size, leading zeros included; 12 stay exact in a double. */
const MAX_SIZE_DIGITS = 12
/** Of the size line beside its extensions: digits, padding, CRLF. */
const SIZE_LINE_BYTES = 64

/**
 *     chunk-ext = *( ";" chunk-ext-name [ "=" ( token / quoted-string ) ] )
 *
 * without the blanks that the grammar tolerates: nobody sends them in earnest.
 */
const EXTENSIONS =
  /^(?:;[!#$%&'*+\-.^_`|~\w]+(?:=(?:[!#$%&'*+\-.^_`|~\w]+|"(?:[\t !#-[\]-~\x80-\xff]|\\[\t -~\x80-\xff])*"))?)+$/

export type BodyProgress = 'more' | 'data' | 'end' | HttpErrorCode

type State = 'length' | 'until-close' | 'size' | 'chunk' | 'chunk-end' | 'trailers' | 'end'

/** Fields that would change how the message was read, had they been in its head. */
const FORBIDDEN_TRAILERS: ReadonlySet<string> = new Set([
  'transfer-encoding',
  'content-length',
  'host',
  'content-encoding',
  'content-type',
  'content-range',
  'trailer',
])

export class BodyReader {
  /** De-chunked bytes of the last step `data`; a view that the next push invalidates. */
  chunk: Buffer = Buffer.alloc(0)
  trailers: HttpHeader[] = []
  readonly #limits: HttpLimits
  readonly #isLenient: boolean
  #state: State = 'end'
  #remaining = 0
  #extensionBytes = 0
  /** Of the current line: bytes without LF, and bytes of the trailer section before it. */
  #searched = 0
  #trailerBytes = 0
  #anomalies: Anomaly[] = []

  /** @param isLenient for responses, as in `field-line.ts` */
  constructor(limits: HttpLimits, isLenient: boolean) {
    this.#limits = limits
    this.#isLenient = isLenient
  }

  begin(framing: BodyFraming, anomalies: Anomaly[]): void {
    this.#anomalies = anomalies
    this.#searched = 0
    this.#extensionBytes = 0
    this.#trailerBytes = 0
    if (this.trailers.length > 0) this.trailers = []
    switch (framing.kind) {
      case 'none':
        this.#state = 'end'
        return
      case 'length':
        this.#state = 'length'
        this.#remaining = framing.bytes
        return
      case 'chunked':
        this.#state = 'size'
        return
      case 'until-close':
        this.#state = 'until-close'
    }
  }

  /** True when the end of the connection is the end of the body. */
  get endsWithConnection(): boolean {
    return this.#state === 'until-close'
  }

  step(queue: ByteQueue): BodyProgress {
    for (;;) {
      switch (this.#state) {
        case 'end':
          return 'end'
        case 'until-close':
          return queue.length === 0 ? 'more' : this.#take(queue, queue.length)
        case 'length':
        case 'chunk': {
          if (queue.length === 0) return 'more'
          const bytes = Math.min(queue.length, this.#remaining)
          this.#remaining -= bytes
          if (this.#remaining === 0) this.#state = this.#state === 'length' ? 'end' : 'chunk-end'
          return this.#take(queue, bytes)
        }
        case 'chunk-end': {
          if (queue.length === 0) return 'more'
          if (queue.buffer[queue.start] !== 0x0d) return 'invalid-chunk-end'
          if (queue.length === 1) return 'more'
          if (queue.buffer[queue.start + 1] !== 0x0a) return 'invalid-chunk-end'
          queue.consume(2)
          this.#state = 'size'
          break
        }
        case 'size': {
          const progress = this.#readSize(queue)
          if (progress !== null) return progress
          break
        }
        case 'trailers': {
          const progress = this.#readTrailer(queue)
          if (progress !== null) return progress
        }
      }
    }
  }

  #take(queue: ByteQueue, bytes: number): 'data' {
    this.chunk = queue.buffer.subarray(queue.start, queue.start + bytes)
    queue.consume(bytes)
    return 'data'
  }

  /** The line in the queue without its CRLF, as latin1; or why there is none. */
  #readLine(
    queue: ByteQueue,
    maxBytes: number,
    tooLong: HttpErrorCode,
  ): { readonly line: string } | 'more' | HttpErrorCode {
    const lf = queue.findLf(this.#searched)
    const end = lf === -1 ? queue.length + 1 : lf + 1
    if (end > maxBytes) return tooLong
    if (lf === -1) {
      this.#searched = queue.length
      return 'more'
    }
    if (lf === 0 || queue.buffer[queue.start + lf - 1] !== 0x0d) return 'bare-lf'
    const line = queue.text(0, lf - 1)
    queue.consume(lf + 1)
    this.#searched = 0
    return { line }
  }

  #readSize(queue: ByteQueue): 'more' | HttpErrorCode | null {
    const maxBytes = SIZE_LINE_BYTES + this.#limits.chunkExtensionBytes - this.#extensionBytes
    const read = this.#readLine(queue, maxBytes, 'chunk-extensions-too-large')
    if (typeof read === 'string') return read
    const line = read.line
    let digits = 0
    while (digits < line.length && (CHAR_CLASS[line.charCodeAt(digits)] & HEX) !== 0) digits++
    if (digits === 0 || digits > MAX_SIZE_DIGITS) return 'invalid-chunk-size'
    const refusal = this.#checkAfterSize(line, digits)
    if (refusal !== null) return refusal
    this.#remaining = Number.parseInt(line.slice(0, digits), 16)
    this.#state = this.#remaining === 0 ? 'trailers' : 'chunk'
    return null
  }

  #checkAfterSize(line: string, digits: number): HttpErrorCode | null {
    let at = digits
    while (at < line.length && isBlank(line.charCodeAt(at))) at++
    if (at > digits) {
      if (!this.#isLenient || at - digits > SIZE_LINE_BYTES - MAX_SIZE_DIGITS - 2) {
        return 'invalid-chunk-size'
      }
      note(this.#anomalies, 'padded-chunk-size')
    }
    if (at === line.length) return null
    if (line.charCodeAt(at) !== 0x3b) return 'invalid-chunk-size'
    this.#extensionBytes += line.length - at
    if (this.#extensionBytes > this.#limits.chunkExtensionBytes) {
      return 'chunk-extensions-too-large'
    }
    if (!EXTENSIONS.test(line.slice(at))) return 'invalid-chunk-extension'
    note(this.#anomalies, 'chunk-extension')
    return null
  }

  #readTrailer(queue: ByteQueue): 'more' | HttpErrorCode | null {
    const maxBytes = this.#limits.trailerBytes - this.#trailerBytes
    const before = queue.offset
    const read = this.#readLine(queue, maxBytes, 'trailers-too-large')
    if (typeof read === 'string') return read
    this.#trailerBytes += queue.offset - before
    if (read.line.length === 0) {
      this.#state = 'end'
      return null
    }
    if (this.trailers.length >= this.#limits.trailerCount) return 'trailers-too-large'
    const refusal = readFieldLine(read.line, 0, read.line.length, this.trailers, null)
    if (refusal !== null) return refusal
    return FORBIDDEN_TRAILERS.has(this.trailers.at(-1)!.nameLower) ? 'forbidden-trailer' : null
  }
}

function isBlank(code: number): boolean {
  return code === 0x20 || code === 0x09
}
