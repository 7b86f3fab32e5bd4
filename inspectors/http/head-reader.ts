import { type Anomaly, note } from './anomaly.ts'
import type { ByteQueue } from './byte-queue.ts'
import { readFieldLine } from './field-line.ts'
import type { HttpErrorCode } from './http-error.ts'
import type { HttpLimits } from './limits.ts'
import { RecentFields } from './recent-fields.ts'
import type { HttpHeader } from './transaction.ts'

/**
 * Reads a head line by line. A head that lies whole in the queue, as nearly all do, becomes one latin1
 * string and its lines are cut out of that; one that comes in pieces is read a line at a time as lines
 * complete, so no byte is looked at twice. Both ways run the same code over the same complete lines, and
 * a line's length is judged before its content: the outcome does not depend on how the bytes were cut.
 */

/** Field lines that were accepted, and nothing noted of them. */
const recentOfRequests = new RecentFields()
const recentOfResponses = new RecentFields()

const HEAD_END = Buffer.from('\r\n\r\n', 'latin1')

export type HeadProgress = 'more' | 'done' | HttpErrorCode

export interface HeadRules {
  /** Responses: LF ends a line, fields may fold. Requests: neither. */
  readonly isLenient: boolean
  /** Longest start line, and the error it is when that is exceeded. */
  readonly startLineBytes: number
  readonly startLineTooLong: HttpErrorCode
  /** Reads the start line (latin1, no line end). */
  readonly startLine: (line: string) => HttpErrorCode | null
  /** True when a whole head (latin1) is one that was accepted before, and needs not be read; null: none is known. */
  readonly isKnown: ((head: string) => boolean) | null
}

export class HeadReader {
  headers: HttpHeader[] = []
  rawLatin1 = ''
  /** Of a head that was read: it is its start line and its fields as `Name: value`, CRLF after each and after all. */
  isExact = true
  readonly #limits: HttpLimits
  readonly #rules: HeadRules
  /** Bytes of the head that are read, and that hold no LF beyond them; counted from the queue's start. */
  #lineStart = 0
  #searched = 0
  #hasStartLine = false
  #anomalies: Anomaly[] = []

  constructor(limits: HttpLimits, rules: HeadRules) {
    this.#limits = limits
    this.#rules = rules
  }

  begin(anomalies: Anomaly[]): void {
    this.headers = []
    this.rawLatin1 = ''
    this.isExact = true
    this.#lineStart = 0
    this.#searched = 0
    this.#hasStartLine = false
    this.#anomalies = anomalies
  }

  /** Where in the head the reader is, for error events. */
  get position(): number {
    return this.#lineStart
  }

  /** `done`: the head is consumed from the queue; `headers` and `rawLatin1` are complete, unless the rules know it. */
  read(queue: ByteQueue): HeadProgress {
    if (this.#searched === 0) {
      const close = queue.buffer.indexOf(HEAD_END, queue.start)
      const length = close + HEAD_END.length - queue.start
      if (close !== -1 && length <= queue.length && length <= this.#limits.headBytes) {
        const text = queue.text(0, length)
        const { isKnown } = this.#rules
        if (isKnown !== null && isKnown(text)) {
          queue.consume(length)
          return 'done'
        }
        const progress = this.#lines(text)
        if (progress === 'done') this.#finish(queue, text)
        return progress
      }
    }
    for (;;) {
      const lf = queue.findLf(this.#searched)
      if (lf === -1) {
        this.#searched = queue.length
        // The line would end one byte further at the earliest.
        return this.#tooLong(queue.length + 1) ?? 'more'
      }
      const progress = this.#lines(queue.text(this.#lineStart, lf + 1))
      this.#searched = lf + 1
      if (progress === 'more') continue
      if (progress === 'done') this.#finish(queue, queue.text(0, this.#lineStart))
      return progress
    }
  }

  #finish(queue: ByteQueue, text: string): void {
    this.rawLatin1 = text.length === this.#lineStart ? text : text.slice(0, this.#lineStart)
    queue.consume(this.#lineStart)
    this.#lineStart = 0
  }

  /** @param text whole lines with their ends */
  #lines(text: string): HeadProgress {
    const base = this.#lineStart
    let from = 0
    while (from < text.length) {
      const lf = text.indexOf('\n', from)
      const tooLong = this.#tooLong(base + lf + 1)
      if (tooLong !== null) return tooLong
      let to = lf
      if (lf > from && text.charCodeAt(lf - 1) === 0x0d) to = lf - 1
      else if (this.#rules.isLenient) {
        note(this.#anomalies, 'bare-lf')
        this.isExact = false
      } else return 'bare-lf'
      if (to === from && this.#hasStartLine) {
        this.#lineStart = base + lf + 1
        return 'done'
      }
      const refusal = this.#line(text, from, to)
      if (refusal !== null) return refusal
      from = lf + 1
      this.#lineStart = base + from
    }
    return 'more'
  }

  #line(text: string, from: number, to: number): HttpErrorCode | null {
    if (!this.#hasStartLine) {
      this.#hasStartLine = true
      return this.#rules.startLine(text.slice(from, to))
    }
    const { headers } = this
    const place = headers.length
    if (place >= this.#limits.fieldCount) return 'too-many-fields'
    const { isLenient } = this.#rules
    const recent = isLenient ? recentOfResponses : recentOfRequests
    const known = recent.find(text, from, to, place)
    if (known !== null) {
      headers.push(known)
      this.isExact &&= isExactField(text, from, to, known)
      return null
    }
    const refusal = readFieldLine(text, from, to, headers, isLenient ? this.#anomalies : null)
    this.isExact &&= headers.length > place && isExactField(text, from, to, headers[place])
    const isPlain = refusal === null && headers.length > place
    if (isPlain && this.#anomalies.length === 0) recent.keep(text, from, to, place, headers[place])
    return refusal
  }

  /** @param end where the current line ends at the earliest, its LF included */
  #tooLong(end: number): HttpErrorCode | null {
    const lineBytes = this.#hasStartLine ? this.#limits.fieldBytes : this.#rules.startLineBytes
    const lineLimit = this.#lineStart + lineBytes + 2
    if (end <= lineLimit && end <= this.#limits.headBytes) return null
    if (this.#limits.headBytes <= lineLimit) return 'head-too-large'
    return this.#hasStartLine ? 'field-too-large' : this.#rules.startLineTooLong
  }
}

/** The line is the field's name, a colon, one space and its value: nothing was left out of it. */
function isExactField(
  text: string,
  from: number,
  to: number,
  { name, value }: HttpHeader,
): boolean {
  const space = from + name.length + 1
  return space + 1 + value.length === to && text.charCodeAt(space) === 0x20
}
