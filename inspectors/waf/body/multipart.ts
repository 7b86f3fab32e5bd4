import { Entry } from '../values/entry.ts'
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
  readonly contentLatin1: string
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
  bodyLatin1: string,
  limits: MultipartLimits,
): MultipartBody {
  return new MultipartReader(bodyLatin1, limits).read(contentType)
}

interface Part {
  headers: string[]
  name: string | null
  fileName: string | null
  hasDisposition: boolean
  dataStart: number
}

class MultipartReader {
  readonly #body: string
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

  constructor(bodyLatin1: string, limits: MultipartLimits) {
    this.#body = bodyLatin1
    this.#limits = limits
  }

  read(contentType: string): MultipartBody {
    const boundary = boundaryOf(contentType, this.#flags)
    if (boundary.ok) this.#readLines(`--${boundary.boundary}`)
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

  #readLines(delimiter: string): void {
    const body = this.#body
    let at = 0
    while (at < body.length && this.#error === null) {
      const newline = body.indexOf('\n', at)
      const next = newline < 0 ? body.length : newline + 1
      if (body.startsWith(delimiter, at)) this.#boundary(delimiter, at, next)
      else if (this.#isFinal) this.#flags.dataAfter = true
      else if (this.#part === null) {
        if (next - at > 2 || !isLineEnd(body, at, next)) this.#flags.dataBefore = true
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
    const found = this.#body.indexOf('\n--', at)
    if (found < 0) return this.#body.length
    return found + 1
  }

  #lookLikeBoundary(at: number): void {
    if (this.#body.startsWith('--', at)) this.#flags.unmatchedBoundary = true
  }

  #boundary(delimiter: string, start: number, next: number): void {
    const body = this.#body
    let at = start + delimiter.length
    const isFinal = body.startsWith('--', at)
    if (isFinal) at += 2
    const rest = body.slice(at, next)
    if (rest !== '\r\n' && rest !== '\n' && !(rest === '' && isFinal)) {
      this.#fail('invalid boundary (characters after it)')
      return
    }
    if (rest !== '') this.#noteLineEnd(rest.startsWith('\r'))
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
    let line = this.#body.slice(start, next)
    if (isComplete) {
      line = line.slice(0, -1)
      const hasReturn = line.endsWith('\r')
      if (hasReturn) line = line.slice(0, -1)
      this.#noteLineEnd(hasReturn)
    }
    if (line === '') {
      this.#finishHeaders(next)
      return
    }
    if (line.length > MAX_PART_HEADER_BYTES) {
      this.#fail('part header is too long')
      return
    }
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
    const data = this.#body.slice(part.dataStart, end)
    if (this.#args.length + this.#files.length >= this.#limits.parts) {
      this.#fail(`more than ${this.#limits.parts} parts`)
      return
    }
    const name = part.name ?? ''
    if (part.fileName === null) {
      this.#noFilesBytes += data.length
      this.#args.push(new Entry(name, data))
    } else if (this.#files.length >= this.#limits.files) this.#flags.fileLimitExceeded = true
    else this.#files.push({ name, fileName: part.fileName, contentLatin1: data })
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

function isLineEnd(body: string, start: number, end: number): boolean {
  const line = body.slice(start, end)
  return line === '\r\n' || line === '\n'
}

/** The line end before a boundary belongs to the boundary. */
function endOfData(body: string, start: number, boundary: number): number {
  let end = boundary
  if (end > start && body[end - 1] === '\n') end -= 1
  if (end > start && end < boundary && body[end - 1] === '\r') end -= 1
  return end
}
