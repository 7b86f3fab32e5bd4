import { Entry } from '../values/entry.ts'
import { BodyBytes } from './body-bytes.ts'
import { parseDisposition } from './content-disposition.ts'
import { boundaryOf } from './multipart-boundary.ts'

/**
 * `multipart/form-data` (RFC 7578) read as strictly as ModSecurity reads it: everything that two parsers
 * might read differently raises a flag, and what cannot be read at all is an error.
 *
 * ```
 * body   = [ preamble CRLF ] 1*( "--" boundary CRLF part CRLF ) "--" boundary "--" CRLF [ epilogue ]
 * part   = *( header CRLF ) CRLF data
 * ```
 */

/** The names of ModSecurity's MULTIPART_ variables, without the prefix. */
export interface MultipartFlags {
  boundaryQuoted: boolean
  boundaryWhitespace: boolean
  dataBefore: boolean
  dataAfter: boolean
  headerFolding: boolean
  invalidHeaderFolding: boolean
  crlfLine: boolean
  lfLine: boolean
  missingSemicolon: boolean
  invalidQuoting: boolean
  invalidPart: boolean
  fileLimitExceeded: boolean
  unmatchedBoundary: boolean
}

export interface MultipartLimits {
  readonly parts: number
  readonly files: number
  /** Bytes of all parts that are not files. */
  readonly noFilesBytes: number
}

export interface UploadedFile {
  /** Field name. */
  readonly name: string
  readonly fileName: string
  readonly content: BodyBytes
}

export interface MultipartBody {
  readonly args: readonly Entry[]
  readonly files: readonly UploadedFile[]
  /** Whole header lines by the name of their part. */
  readonly partHeaders: readonly Entry[]
  readonly flags: MultipartFlags
  readonly error: string | null
  /** The parts that are not files outgrew their limit. */
  readonly isOverNoFilesLimit: boolean
}

/** Longest header of a part with its folds, and most headers of one part. */
export const MAX_PART_HEADER_BYTES = 4096
export const MAX_PART_HEADERS = 32

export function parseMultipart(
  contentType: string,
  body: Buffer,
  limits: MultipartLimits,
): MultipartBody {
  return new MultipartReader(body, limits).read(contentType)
}

interface Part {
  headers: string[]
  name: string | null
  fileName: string | null
  hasDisposition: boolean
  dataStart: number
}

class MultipartReader {
  readonly #body: Buffer
  readonly #limits: MultipartLimits
  readonly #args: Entry[] = []
  readonly #files: UploadedFile[] = []
  readonly #partHeaders: Entry[] = []
  readonly #flags: MultipartFlags = {
    boundaryQuoted: false,
    boundaryWhitespace: false,
    dataBefore: false,
    dataAfter: false,
    headerFolding: false,
    invalidHeaderFolding: false,
    crlfLine: false,
    lfLine: false,
    missingSemicolon: false,
    invalidQuoting: false,
    invalidPart: false,
    fileLimitExceeded: false,
    unmatchedBoundary: false,
  }
  #error: string | null = null
  #part: Part | null = null
  #inHeaders = false
  #isFinal = false
  #noFilesBytes = 0

  constructor(body: Buffer, limits: MultipartLimits) {
    this.#body = body
    this.#limits = limits
  }

  read(contentType: string): MultipartBody {
    const boundary = boundaryOf(contentType, this.#flags)
    if (boundary.ok) this.#readLines(Buffer.from(`--${boundary.boundary}`, 'latin1'))
    else this.#fail(boundary.message)
    return {
      args: this.#args,
      files: this.#files,
      partHeaders: this.#partHeaders,
      flags: this.#flags,
      error: this.#error,
      isOverNoFilesLimit: this.#noFilesBytes > this.#limits.noFilesBytes,
    }
  }

  #readLines(delimiter: Buffer): void {
    const body = this.#body
    let at = 0
    while (at < body.length && this.#error === null) {
      const newline = body.indexOf(LF, at)
      const next = newline < 0 ? body.length : newline + 1
      if (isAt(body, at, delimiter)) this.#boundary(at, at + delimiter.length, next)
      else if (this.#isFinal) this.#flags.dataAfter = true
      else if (this.#part === null) {
        if (!isLineEnd(body, at, next)) this.#flags.dataBefore = true
        this.#lookLikeBoundary(at)
      } else if (this.#inHeaders) this.#headerLine(at, next, newline >= 0)
      else {
        this.#lookLikeBoundary(at)
        at = this.#skipData(at)
        continue
      }
      at = next
    }
    if (this.#error !== null) this.#keepUnfinished()
    else if (!this.#isFinal) {
      this.#keepUnfinished()
      this.#fail('final boundary is missing')
    }
  }

  /** Data lines need no look unless they begin with a dash. */
  #skipData(at: number): number {
    const found = this.#body.indexOf(DASHED_LINE, at)
    if (found < 0) return this.#body.length
    return found + 1
  }

  #lookLikeBoundary(at: number): void {
    if (isAt(this.#body, at, DASHES)) this.#flags.unmatchedBoundary = true
  }

  /** @param end where the delimiter of the line that is `[start, next)` ends */
  #boundary(start: number, end: number, next: number): void {
    const body = this.#body
    const isFinal = isAt(body, end, DASHES)
    const rest = isFinal ? end + DASHES.length : end
    const isCut = rest >= next
    if (!isLineEnd(body, rest, next) && !(isCut && isFinal)) {
      this.#fail('invalid boundary (characters after it)')
      return
    }
    if (!isCut) this.#noteLineEnd(body[rest] === CR)
    if (this.#isFinal) {
      this.#fail('data after the final boundary')
      return
    }
    if (this.#part !== null) {
      if (this.#inHeaders) {
        this.#flags.invalidPart = true
        this.#finishHeaders(start)
      }
      this.#finishPart(start)
    }
    this.#isFinal = isFinal
    if (isFinal) return
    this.#part = { headers: [], name: null, fileName: null, hasDisposition: false, dataStart: 0 }
    this.#inHeaders = true
  }

  #headerLine(start: number, next: number, isComplete: boolean): void {
    const part = this.#part!
    let end = next
    if (isComplete) {
      end -= 1
      const hasReturn = end > start && this.#body[end - 1] === CR
      if (hasReturn) end -= 1
      this.#noteLineEnd(hasReturn)
    }
    if (end === start) {
      this.#finishHeaders(next)
      return
    }
    if (end - start > MAX_PART_HEADER_BYTES) {
      this.#fail('part header is too long')
      return
    }
    const line = this.#body.toString('latin1', start, end)
    if (line.includes('\0')) {
      this.#fail('NUL byte in a part header')
      return
    }
    if (line.startsWith(' ') || line.startsWith('\t')) {
      this.#flags.headerFolding = true
      if (part.headers.length === 0) {
        this.#flags.invalidHeaderFolding = true
        this.#fail('invalid part header (folding error)')
        return
      }
      const folded = `${part.headers.at(-1)} ${line.trimStart()}`
      if (folded.length > MAX_PART_HEADER_BYTES) this.#fail('part header is too long')
      else part.headers[part.headers.length - 1] = folded
      return
    }
    if (part.headers.length >= MAX_PART_HEADERS) this.#fail('too many headers in a part')
    else part.headers.push(line)
  }

  #finishHeaders(dataStart: number): void {
    const part = this.#part!
    this.#inHeaders = false
    part.dataStart = dataStart
    let error: string | null = null
    const seen = new Set<string>()
    for (const line of part.headers) {
      const colon = line.indexOf(':')
      const name = (colon < 0 ? line : line.slice(0, colon)).toLowerCase()
      if (colon < 0) error ??= 'invalid part header (colon missing)'
      else if (colon === 0) error ??= 'invalid part header (name missing)'
      else if (!TOKEN.test(name)) error ??= 'invalid part header (contains invalid character)'
      if (seen.has(name)) error ??= 'duplicate part header'
      seen.add(name)
      if (name !== 'content-disposition' || colon < 0) continue
      part.hasDisposition = true
      const disposition = parseDisposition(line.slice(colon + 1))
      part.name = disposition.name
      part.fileName = disposition.fileName
      if (disposition.isQuotedBadly) this.#flags.invalidQuoting = true
      if (disposition.lacksSemicolon) this.#flags.missingSemicolon = true
      error ??= disposition.error
    }
    for (const line of part.headers) this.#partHeaders.push(new Entry(part.name ?? '', line))
    if (!part.hasDisposition) error ??= 'part without Content-Disposition'
    else if (part.name === null) error ??= 'Content-Disposition without a name'
    if (error !== null) {
      this.#flags.invalidPart = true
      this.#fail(error)
    }
  }

  #finishPart(boundaryStart: number): void {
    const part = this.#part
    this.#part = null
    if (part === null) return
    const end = endOfData(this.#body, part.dataStart, boundaryStart)
    const data = this.#body.subarray(part.dataStart, end)
    if (this.#args.length + this.#files.length >= this.#limits.parts) {
      this.#fail(`more than ${this.#limits.parts} parts`)
      return
    }
    const name = part.name ?? ''
    if (part.fileName === null) {
      this.#noFilesBytes += data.length
      this.#args.push(new Entry(name, data.toString('latin1')))
    } else if (this.#files.length >= this.#limits.files) this.#flags.fileLimitExceeded = true
    else this.#files.push({ name, fileName: part.fileName, content: new BodyBytes(data) })
  }

  /** The part that an error or a cut left open is inspected as far as it goes. */
  #keepUnfinished(): void {
    if (this.#part === null) return
    if (this.#inHeaders) this.#finishHeaders(this.#body.length)
    this.#finishPart(this.#body.length)
  }

  #noteLineEnd(hasReturn: boolean): void {
    if (hasReturn) this.#flags.crlfLine = true
    else this.#flags.lfLine = true
  }

  #fail(what: string): void {
    this.#error ??= `Multipart: ${what}`
  }
}

/** RFC 9110 `token`. */
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9a-z]+$/

const LF = 0x0a
const CR = 0x0d
const DASHES = Buffer.from('--')
const DASHED_LINE = Buffer.from('\n--')

/** True where `[start, end)` is CRLF or LF. */
function isLineEnd(body: Buffer, start: number, end: number): boolean {
  if (body[end - 1] !== LF) return false
  return end - start === 1 || (end - start === 2 && body[start] === CR)
}

function isAt(body: Buffer, at: number, bytes: Buffer): boolean {
  if (at + bytes.length > body.length) return false
  for (let index = 0; index < bytes.length; index += 1) {
    if (body[at + index] !== bytes[index]) return false
  }
  return true
}

/** The line end before a boundary belongs to the boundary. */
function endOfData(body: Buffer, start: number, boundary: number): number {
  let end = boundary
  if (end > start && body[end - 1] === LF) end -= 1
  if (end > start && end < boundary && body[end - 1] === CR) end -= 1
  return end
}
