import { type Anomaly, note } from './anomaly.ts'
import { BodyReader } from './body-reader.ts'
import type { ByteQueue } from './byte-queue.ts'
import { requestFraming, type RequestFramingRules } from './framing.ts'
import { HeadReader } from './head-reader.ts'
import type { HttpErrorCode } from './http-error.ts'
import type { HttpLimits } from './limits.ts'
import { readRequestLine, type RequestLine } from './request-line.ts'
import type { HttpHeader, HttpRequestHead } from './transaction.ts'

export type RequestProgress = 'more' | 'head' | 'data' | 'end' | HttpErrorCode

/** Requests of one connection, one step per call; knows nothing of responses. */
export class RequestReader {
  /** Set by the step `head`. */
  head: HttpRequestHead | null = null
  anomalies: Anomaly[] = []
  readonly #limits: HttpLimits
  readonly #rules: RequestFramingRules
  readonly #headReader: HeadReader
  readonly #body: BodyReader
  #state: 'between' | 'head' | 'body' = 'between'
  #emptyLines = 0
  #line: RequestLine | null = null

  constructor(limits: HttpLimits, rules: RequestFramingRules) {
    this.#limits = limits
    this.#rules = rules
    this.#body = new BodyReader(limits, false)
    this.#headReader = new HeadReader(limits, {
      isLenient: false,
      startLineBytes: limits.methodBytes + limits.targetBytes + 16,
      startLineTooLong: 'target-too-long',
      startLine: (line) => {
        const read = readRequestLine(line, limits, this.anomalies)
        if (typeof read === 'string') return read
        this.#line = read
        return null
      },
      isKnown: null,
    })
  }

  /** True when the last request is read to its end and the next one has not begun. */
  get isBetween(): boolean {
    return this.#state === 'between'
  }

  /** Where in the message the reader is, relative to the queue's offset, for error events. */
  get position(): number {
    return this.#state === 'head' ? this.#headReader.position : 0
  }

  get chunk(): Buffer {
    return this.#body.chunk
  }

  get trailers(): readonly HttpHeader[] {
    return this.#body.trailers
  }

  step(queue: ByteQueue): RequestProgress {
    if (this.#state === 'body') {
      const progress = this.#body.step(queue)
      if (progress === 'end') {
        this.#state = 'between'
        this.#emptyLines = 0
      }
      return progress
    }
    if (this.#state === 'between') {
      const refusal = this.#skipEmptyLines(queue)
      if (refusal !== null) return refusal
      this.#state = 'head'
      this.anomalies = []
      if (this.#emptyLines > 0) note(this.anomalies, 'leading-empty-line')
      this.#headReader.begin(this.anomalies)
    }
    const progress = this.#headReader.read(queue)
    return progress === 'done' ? this.#finishHead() : progress
  }

  /** Null when a request begins at the queue's start. */
  #skipEmptyLines(queue: ByteQueue): 'more' | HttpErrorCode | null {
    while (queue.length > 0) {
      const byte = queue.buffer[queue.start]
      if (byte > 0x20 && byte < 0x7f) return null
      if (byte === 0x0a) return 'bare-lf'
      if (byte !== 0x0d) return 'leading-blank'
      if (queue.length === 1) return 'more'
      if (queue.buffer[queue.start + 1] !== 0x0a) return 'bare-cr'
      if (++this.#emptyLines > this.#limits.leadingEmptyLines) return 'too-many-empty-lines'
      queue.consume(2)
    }
    return 'more'
  }

  #finishHead(): 'head' | HttpErrorCode {
    const { line, method, target, protocol } = this.#line!
    const { headers, rawLatin1, isExact } = this.#headReader
    const framing = requestFraming(method, protocol, headers, this.#rules, this.anomalies)
    if (typeof framing === 'string') return framing
    this.head = { method, target, protocol, line, headers, rawLatin1, isExact, framing }
    this.#body.begin(framing, this.anomalies)
    this.#state = 'body'
    return 'head'
  }
}
