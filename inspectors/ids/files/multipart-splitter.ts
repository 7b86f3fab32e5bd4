/**
 * Takes `multipart/form-data` apart as it comes (RFC 7578, RFC 2046 section 5.1), chunk by chunk, and reads what a
 * lenient recipient would: LF alone for CRLF, text before the first and after the last boundary left out.
 *
 *     body := part (boundary part)*        boundary := [CRLF] '--' NAME ['--'] blanks CRLF
 *
 * At most a boundary's line of a part's content waits for the next chunk.
 */
export interface PartReceiver {
  /** @param fileName latin1; null: a field, no file */
  begin(fileName: string | null): void
  data(bytes: Buffer): void
  /** @param isWhole a boundary ended it */
  end(isWhole: boolean): void
}

/** Bytes of one part's header block, and parts of one message. */
export const MAX_PART_HEAD_BYTES = 8192
export const MAX_PARTS = 1024

const NO_BYTES = Buffer.alloc(0)

export class MultipartSplitter {
  readonly #delimiter: string
  readonly #receiver: PartReceiver
  #held = NO_BYTES
  #state: 'before' | 'head' | 'content' | 'over' = 'before'
  #parts = 0
  /** The bytes that are looked at begin a line. */
  #isLineStart = true

  constructor(boundary: string, receiver: PartReceiver) {
    this.#delimiter = `--${boundary}`
    this.#receiver = receiver
  }

  push(chunk: Buffer): void {
    if (this.#state === 'over') return
    let bytes = this.#held.length === 0 ? chunk : Buffer.concat([this.#held, chunk])
    for (;;) {
      const rest = this.#step(bytes)
      if (rest === null) break
      bytes = rest
    }
  }

  /** The message is over. */
  end(): void {
    if (this.#state === 'content') {
      this.#receiver.data(this.#held)
      this.#receiver.end(false)
    }
    this.#state = 'over'
    this.#held = NO_BYTES
  }

  /** What is left after one step; null: more bytes are needed. */
  #step(bytes: Buffer): Buffer | null {
    switch (this.#state) {
      case 'over':
        this.#held = NO_BYTES
        return null
      case 'head':
        return this.#head(bytes)
      case 'before':
      case 'content':
        return this.#untilBoundary(bytes)
    }
  }

  #untilBoundary(bytes: Buffer): Buffer | null {
    const at = this.#delimiterAt(bytes)
    if (at < 0) {
      // What is kept holds any delimiter that has begun, and the line end before it.
      const kept = Math.min(bytes.length, this.#delimiter.length + 4)
      if (this.#state === 'content') this.#receiver.data(bytes.subarray(0, bytes.length - kept))
      if (kept < bytes.length) this.#isLineStart = false
      this.#held = Buffer.from(bytes.subarray(bytes.length - kept))
      return null
    }
    const after = at + this.#delimiter.length
    const lineEnd = bytes.indexOf(0x0a, after)
    const isLast = bytes.toString('latin1', after, after + 2) === '--'
    if (lineEnd < 0 && !isLast && bytes.length - after < MAX_PART_HEAD_BYTES) {
      this.#held = Buffer.from(bytes)
      return null
    }
    if (this.#state === 'content') {
      this.#receiver.data(bytes.subarray(0, withoutLineEnd(bytes, at)))
      this.#receiver.end(true)
    }
    this.#parts += 1
    this.#state = isLast || lineEnd < 0 || this.#parts > MAX_PARTS ? 'over' : 'head'
    return bytes.subarray(lineEnd + 1)
  }

  /** Where a delimiter stands: at the beginning of a line, and nothing but blanks or dashes behind it. */
  #delimiterAt(bytes: Buffer): number {
    for (let from = 0; ;) {
      const at = bytes.indexOf(this.#delimiter, from, 'latin1')
      const after = at + this.#delimiter.length
      if (at < 0 || after + 2 > bytes.length) return -1
      const isAtStart = at === 0 ? this.#isLineStart : bytes[at - 1] === 0x0a
      if (isAtStart && /^(?:--|[ \t\r\n])/.test(bytes.toString('latin1', after, after + 2)))
        return at
      from = at + 1
    }
  }

  #head(bytes: Buffer): Buffer | null {
    const text = bytes.toString('latin1', 0, MAX_PART_HEAD_BYTES)
    const end = /^\r?\n|\r?\n\r?\n/.exec(text)
    if (end === null) {
      if (bytes.length >= MAX_PART_HEAD_BYTES) this.#state = 'over'
      this.#held = Buffer.from(bytes)
      return this.#state === 'over' ? NO_BYTES : null
    }
    this.#receiver.begin(fileNameOf(text.slice(0, end.index)))
    this.#state = 'content'
    this.#isLineStart = true
    this.#held = NO_BYTES
    return bytes.subarray(end.index + end[0].length)
  }
}

/** The line end before a boundary belongs to it. */
function withoutLineEnd(bytes: Buffer, at: number): number {
  if (at > 0 && bytes[at - 1] === 0x0a) return at > 1 && bytes[at - 2] === 0x0d ? at - 2 : at - 1
  return at
}

function fileNameOf(head: string): string | null {
  const field = /^content-disposition[ \t]*:(.*(?:\r?\n[ \t].*)*)/im.exec(head)
  return field === null ? null : dispositionFileName(field[1])
}

/** `filename` of a Content-Disposition value; null: it has none. */
export function dispositionFileName(value: string): string | null {
  const found = /\bfilename[ \t]*=[ \t]*(?:"((?:[^"\\]|\\.)*)"?|([^;\s]+))/is.exec(value)
  if (found === null) return null
  return found[1] === undefined ? found[2] : found[1].replaceAll(/\\(["\\])/g, '$1')
}

/** `boundary` of a `multipart/form-data` Content-Type; null: it is another type, or has none. */
export function multipartBoundary(contentType: string): string | null {
  if (!/^\s*multipart\/form-data\b/i.test(contentType)) return null
  const found = /\bboundary[ \t]*=[ \t]*(?:"([^"]{1,256})"|([^;,\s"]{1,256}))/i.exec(contentType)
  return found === null ? null : (found[1] ?? found[2])
}
