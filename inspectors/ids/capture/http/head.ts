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
  const line = first.replace(/\s+$/, '')
  const parts = /^\s*(\S*)[ \t]*([^]*)$/.exec(line)
  const rest = parts?.[2] ?? ''
  const version = /[ \t]+(HTTP\/\S*)$/i.exec(rest)
  const chunked = isChunked(fields)
  const length = chunked ? null : contentLength(fields)
  return {
    method: parts?.[1] ?? '',
    target: version === null ? rest : rest.slice(0, version.index),
    protocol: version?.[1] ?? '',
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

/** True when a response begins with something like a status line, at once or after one other line. */
export function isResponseHead(raw: string): boolean {
  if (raw.startsWith('HTTP/')) return true
  const lines = raw.split(/[\r\n]+/).filter((line) => line.trim() !== '')
  return lines.slice(0, 2).some((line) => STATUS_LINE.test(line))
}

/** Reads a response head. */
export function readResponseHead(raw: string, requestMethod: string): HttpResponseHead {
  const { first, fields, isExact } = headLines(raw, (line) => STATUS_LINE.test(line), true)
  const line = first.replace(/\s+$/, '')
  // oxlint-disable-next-line no-control-regex -- recipients differ in what separates the parts
  const parts = /^[\s\0]*([^\s\0]*)[\s\0]*([^\s\0]*)[\s\0]*([^]*)$/.exec(line)
  const code = parts?.[2] ?? ''
  const status = /^\d{1,6}$/.test(code) ? Number(code) : 0
  return {
    protocol: parts?.[1] ?? '',
    status,
    reason: parts?.[3] ?? '',
    line,
    headers: fields,
    rawLatin1: raw,
    isExact: isExact && line.length === first.length,
    framing: responseFraming(status, fields, requestMethod),
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
  return fields.some(
    ({ nameLower, value }) => nameLower === 'transfer-encoding' && /chunked/i.test(value),
  )
}

/** Largest number in such fields: some recipient may read as much; null: none. */
function contentLength(fields: readonly HttpHeader[]): number | null {
  let largest: number | null = null
  for (const { nameLower, value } of fields) {
    if (nameLower !== 'content-length') continue
    for (const digits of value.match(/\d{1,15}/g) ?? [])
      largest = Math.max(largest ?? 0, Number(digits))
  }
  return largest
}
