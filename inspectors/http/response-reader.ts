import type { Anomaly } from './anomaly.ts'
import { BodyReader } from './body-reader.ts'
import type { ByteQueue } from './byte-queue.ts'
import { responseFraming } from './framing.ts'
import { HeadReader } from './head-reader.ts'
import type { HttpErrorCode } from './http-error.ts'
import type { HttpLimits } from './limits.ts'
import { RecentAnswers } from './recent-answers.ts'
import { readStatusLine, type StatusLine } from './status-line.ts'
import type { HttpHeader, HttpResponseHead } from './transaction.ts'

export type ResponseProgress = 'more' | 'head' | 'data' | 'end' | HttpErrorCode

/** Longest status line, and most CR and LF that are skipped before one, in bytes. */
const STATUS_LINE_BYTES = 8_192
const SKIPPED_BYTES = 16

const recentAnswers = new RecentAnswers()

/** Responses of one connection, one step per call; is told which request is answered. */
export class ResponseReader {
  /** Set by the step `head`. */
  head: HttpResponseHead | null = null
  readonly #limits: HttpLimits
  readonly #headReader: HeadReader
  readonly #body: BodyReader
  #state: 'between' | 'head' | 'body' = 'between'
  #line: StatusLine | null = null
  #anomalies: Anomaly[] = []
  #skipped = 0
  #method = ''
  /** The head at hand as it was read before; null: it was not. */
  #known: HttpResponseHead | null = null

  constructor(limits: HttpLimits) {
    this.#limits = limits
    this.#body = new BodyReader(limits, true)
    this.#headReader = new HeadReader(limits, {
      isLenient: true,
      startLineBytes: STATUS_LINE_BYTES,
      startLineTooLong: 'invalid-status-line',
      startLine: (line) => {
        const read = readStatusLine(line)
        if (typeof read === 'string') return read
        this.#line = read
        return null
      },
      isKnown: (head) => {
        this.#known = recentAnswers.find(head, this.#method, limits)
        return this.#known !== null
      },
    })
  }

  /** True when no response is under way. */
  get isBetween(): boolean {
    return this.#state === 'between'
  }

  /** True in a body that the server's FIN ends. */
  get endsWithConnection(): boolean {
    return this.#state === 'body' && this.#body.endsWithConnection
  }

  get position(): number {
    return this.#state === 'head' ? this.#headReader.position : 0
  }

  get chunk(): Buffer {
    return this.#body.chunk
  }

  get trailers(): readonly HttpHeader[] {
    return this.#body.trailers
  }

  /**
   * Skips the line ends that some servers send after a body.
   *
   * @returns true when a response begins at the queue's start, or so many line ends that it is none
   */
  skipEmptyLines(queue: ByteQueue): boolean {
    while (queue.length > 0) {
      const byte = queue.buffer[queue.start]
      if ((byte !== 0x0d && byte !== 0x0a) || this.#skipped === SKIPPED_BYTES) return true
      this.#skipped++
      queue.consume(1)
    }
    return false
  }

  /**
   * @param method of the oldest request without a response
   * @param anomalies of that request's transaction
   */
  step(queue: ByteQueue, method: string, anomalies: Anomaly[]): ResponseProgress {
    if (this.#state === 'body') {
      const progress = this.#body.step(queue)
      if (progress === 'end') this.#state = 'between'
      return progress
    }
    if (this.#state === 'between') {
      this.#state = 'head'
      this.#skipped = 0
      this.#anomalies = anomalies
      this.#headReader.begin(anomalies)
    }
    this.#method = method
    this.#known = null
    const progress = this.#headReader.read(queue)
    if (progress !== 'done') return progress
    return this.#known === null ? this.#finishHead(method) : this.#begin(this.#known)
  }

  /** After a 1xx head: the final one follows. */
  expectAnother(): void {
    this.#state = 'between'
  }

  #finishHead(method: string): 'head' | HttpErrorCode {
    const { line, protocol, status, reason } = this.#line!
    const { headers, rawLatin1, isExact } = this.#headReader
    const framing = responseFraming(method, protocol, status, headers, this.#anomalies)
    if (typeof framing === 'string') return framing
    const head = { protocol, status, reason, line, headers, rawLatin1, isExact, framing }
    if (this.#anomalies.length === 0) recentAnswers.keep(head, method, this.#limits)
    return this.#begin(head)
  }

  #begin(head: HttpResponseHead): 'head' {
    this.head = head
    this.#body.begin(head.framing, this.#anomalies)
    this.#state = 'body'
    return 'head'
  }
}
