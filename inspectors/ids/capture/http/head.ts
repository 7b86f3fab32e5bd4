import {
  type BodyFraming,
  type HttpHeader,
  type HttpRequestHead,
  type HttpResponseHead,
} from '#inspectors/http/transaction.ts'
import { headLines } from './head-lines.ts'

const STATUS_LINE = /^[\s\0]*http/i

/** Reads a request head. It is never refused: what is missing is empty. */
export function readRequestHead(raw: string): HttpRequestHead {
  const { first, fields, isExact } = headLines(raw, () => true, false)
  const { line, method, target, protocol } = plainRequestLine(first) ?? lenientRequestLine(first)
  const chunked = isChunked(fields)
  const length = chunked ? null : contentLength(fields)
  return {
    method,
    target,
    protocol,
    line,
    headers: fields,
    rawLatin1: raw,
    isExact: isExact && line.length === first.length,
    framing: chunked
      ? { kind: 'chunked' }
      : length === null || length === 0
        ? { kind: 'none' }
        : { kind: 'length', bytes: length },
  }
}

interface RequestLine {
  readonly line: string
  readonly method: string
  readonly target: string
  readonly protocol: string
}

const VERSIONS = [' HTTP/1.1', ' HTTP/1.0']

/**
 * A request line as nearly all are: a word, a blank, the target, a blank and a version. Null: it is another, which
 * `lenientRequestLine` reads; where both read it they agree.
 */
export function plainRequestLine(line: string): RequestLine | null {
  const version = VERSIONS.find((end) => line.endsWith(end))
  if (version === undefined) return null
  const blank = line.indexOf(' ')
  const end = line.length - version.length
  if (blank < 1 || blank + 1 >= end) return null
  for (let at = 0; at < blank; at += 1) if (!isGraphic(line.charCodeAt(at))) return null
  // A run of blanks is one separator.
  if (!isGraphic(line.charCodeAt(blank + 1)) || !isGraphic(line.charCodeAt(end - 1))) return null
  return {
    line,
    method: line.slice(0, blank),
    target: line.slice(blank + 1, end),
    protocol: version.slice(1),
  }
}

/** Any request line. */
export function lenientRequestLine(first: string): RequestLine {
  const line = first.replace(/\s+$/, '')
  const parts = /^\s*(\S*)[ \t]*([^]*)$/.exec(line)
  const rest = parts?.[2] ?? ''
  const version = /[ \t]+(HTTP\/\S*)$/i.exec(rest)
  return {
    line,
    method: parts?.[1] ?? '',
    target: version === null ? rest : rest.slice(0, version.index),
    protocol: version?.[1] ?? '',
  }
}

function isGraphic(code: number): boolean {
  return code > 0x20 && code < 0x7f
}

/** True when a response begins with something like a status line, at once or after one other line. */
export function isResponseHead(raw: string): boolean {
  if (raw.startsWith('HTTP/')) return true
  const lines = raw.split(/[\r\n]+/).filter((line) => line.trim() !== '')
  return lines.slice(0, 2).some((line) => STATUS_LINE.test(line))
}

function isStatusLine(line: string): boolean {
  return line.startsWith('HTTP/') || STATUS_LINE.test(line)
}

/** Reads a response head. */
export function readResponseHead(raw: string, requestMethod: string): HttpResponseHead {
  const { first, fields, isExact } = headLines(raw, isStatusLine, true)
  const { line, protocol, status, reason } = plainStatusLine(first) ?? lenientStatusLine(first)
  return {
    protocol,
    status,
    reason,
    line,
    headers: fields,
    rawLatin1: raw,
    isExact: isExact && line.length === first.length,
    framing: responseFraming(status, fields, requestMethod),
  }
}

interface StatusLine {
  readonly line: string
  readonly protocol: string
  readonly status: number
  readonly reason: string
}

/** `HTTP/1.1 NNN Reason`, as nearly all are. Null: it is another, which `lenientStatusLine` reads alike. */
export function plainStatusLine(line: string): StatusLine | null {
  if (line.length < 14 || !line.startsWith('HTTP/1.1 ') || line.charCodeAt(12) !== 0x20) return null
  let status = 0
  for (let at = 9; at < 12; at += 1) {
    const digit = line.charCodeAt(at) - 0x30
    if (digit < 0 || digit > 9) return null
    status = status * 10 + digit
  }
  if (!isGraphic(line.charCodeAt(13)) || !isGraphic(line.charCodeAt(line.length - 1))) return null
  return { line, protocol: 'HTTP/1.1', status, reason: line.slice(13) }
}

/** Any status line. */
export function lenientStatusLine(first: string): StatusLine {
  const line = first.replace(/\s+$/, '')
  // oxlint-disable-next-line no-control-regex -- recipients differ in what separates the parts
  const parts = /^[\s\0]*([^\s\0]*)[\s\0]*([^\s\0]*)[\s\0]*([^]*)$/.exec(line)
  const code = parts?.[2] ?? ''
  return {
    line,
    protocol: parts?.[1] ?? '',
    status: /^\d{1,6}$/.test(code) ? Number(code) : 0,
    reason: parts?.[3] ?? '',
  }
}

/** A response without a head: all bytes are its body. */
export const HEADLESS: HttpResponseHead = {
  protocol: '',
  status: 0,
  reason: '',
  line: '',
  headers: [],
  rawLatin1: '',
  isExact: false,
  framing: { kind: 'until-close' },
}

function responseFraming(
  status: number,
  fields: readonly HttpHeader[],
  requestMethod: string,
): BodyFraming {
  if (requestMethod === 'HEAD') return { kind: 'none' }
  if (isChunked(fields)) return { kind: 'chunked' }
  const length = contentLength(fields)
  if (length !== null) return { kind: 'length', bytes: length }
  const hasNone = (status >= 100 && status < 200) || status === 204 || status === 304
  return hasNone ? { kind: 'none' } : { kind: 'until-close' }
}

function isChunked(fields: readonly HttpHeader[]): boolean {
  for (let index = 0; index < fields.length; index += 1) {
    const { nameLower, value } = fields[index]
    if (nameLower === 'transfer-encoding' && /chunked/i.test(value)) return true
  }
  return false
}

/** Largest number in such fields: some recipient may read as much; null: none. */
function contentLength(fields: readonly HttpHeader[]): number | null {
  let largest: number | null = null
  for (const { nameLower, value } of fields) {
    if (nameLower !== 'content-length') continue
    const plain = plainNumber(value)
    if (plain >= 0) largest = Math.max(largest ?? 0, plain)
    else
      for (const digits of value.match(/\d{1,15}/g) ?? [])
        largest = Math.max(largest ?? 0, Number(digits))
  }
  return largest
}

/** The number that a value of few digits and nothing else is; -1: it is another. */
function plainNumber(value: string): number {
  if (value.length === 0 || value.length > 15) return -1
  let number = 0
  for (let at = 0; at < value.length; at += 1) {
    const digit = value.charCodeAt(at) - 0x30
    if (digit < 0 || digit > 9) return -1
    number = number * 10 + digit
  }
  return number
}
