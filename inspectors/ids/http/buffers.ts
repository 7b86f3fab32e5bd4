import {
  type HttpHeader,
  type HttpRequestHead,
  type HttpResponseHead,
  headerValue,
} from '#inspectors/http/transaction.ts'
import type { Side } from '../program/compiled-rule.ts'
import { MAX_VALUE_BYTES } from '../program/value-memo.ts'
import { authorityOf, normalizeUri } from './uri.ts'

/**
 * Text of an HTTP buffer that the head of a message has. Bodies come from elsewhere.
 *
 * @returns latin1 text; null when the message has no such buffer
 */
export function headBuffer(
  name: string,
  side: Side,
  request: HttpRequestHead,
  response: HttpResponseHead | null,
): string | null {
  switch (name) {
    case 'http.uri':
      return normalizeUri(request.target)
    case 'http.uri.raw':
      return request.target
    case 'http.method':
      return request.method
    case 'http.host': {
      const host = hostOf(request)
      return host === null ? null : withoutPort(host).toLowerCase()
    }
    case 'http.host.raw':
      return hostOf(request)
    case 'http.user_agent':
      return headerValue(request.headers, 'user-agent')
    case 'http.referer':
      return headerValue(request.headers, 'referer')
    case 'http.accept':
      return headerValue(request.headers, 'accept')
    case 'http.accept_enc':
      return headerValue(request.headers, 'accept-encoding')
    case 'http.accept_lang':
      return headerValue(request.headers, 'accept-language')
    case 'http.request_line':
      return request.line
    case 'http.location':
      return response === null ? null : headerValue(response.headers, 'location')
    case 'http.server':
      return response === null ? null : headerValue(response.headers, 'server')
    case 'http.stat_code':
      return response === null ? null : String(response.status)
    case 'http.stat_msg':
      return response === null ? null : response.reason
    case 'http.response_line':
      return response === null ? null : response.line
    default: {
      const head = side === 'request' ? request : response
      return head === null ? null : sidedBuffer(name, side, head)
    }
  }
}

/** Instances of a buffer that can occur several times; empty when there is none. */
export function headInstances(
  name: string,
  request: HttpRequestHead,
  response: HttpResponseHead | null,
): string[] {
  const head = name === 'http.request_header' ? request : response
  return head === null ? [] : head.headers.map((header) => `${header.name}: ${header.value}`)
}

/** Buffers that requests and responses have alike. */
function sidedBuffer(
  name: string,
  side: Side,
  head: HttpRequestHead | HttpResponseHead,
): string | null {
  switch (name) {
    case 'http.protocol':
      return head.protocol
    case 'http.connection':
      return headerValue(head.headers, 'connection')
    case 'http.content_type':
      return headerValue(head.headers, 'content-type')
    case 'http.content_len':
      return headerValue(head.headers, 'content-length')
    case 'http.cookie':
      return joinedValue(head.headers, side === 'request' ? 'cookie' : 'set-cookie')
    case 'http.header':
      return headerLines(head.headers)
    case 'http.header.raw':
      return rawHeaders(head)
    case 'http.header_names':
      return headerNames(head.headers)
    case 'http.start':
      return `${head.line}\r\n${rawHeaders(head)}\r\n`
    default:
      return null
  }
}

function hostOf(request: HttpRequestHead): string | null {
  const authority = authorityOf(request.target)
  if (authority !== null && authority !== '') return authority.slice(authority.lastIndexOf('@') + 1)
  return headerValue(request.headers, 'host')
}

function withoutPort(host: string): string {
  if (host.startsWith('[')) return host.slice(0, host.indexOf(']') + 1 || host.length)
  const colon = host.indexOf(':')
  return colon < 0 ? host : host.slice(0, colon)
}

/** "Name: value" lines, fields of one name joined by ", " at the first one's place; cookies left out. */
function headerLines(headers: readonly HttpHeader[]): string {
  const merged = new Map<string, string>()
  for (const header of headers) {
    if (header.nameLower === 'cookie' || header.nameLower === 'set-cookie') continue
    const before = merged.get(header.nameLower)
    merged.set(
      header.nameLower,
      before === undefined ? `${header.name}: ${header.value}` : `${before}, ${header.value}`,
    )
  }
  let lines = ''
  for (const line of merged.values()) lines += `${line}\r\n`
  return lines
}

/** The field lines as sent, with the line end of the last and without the empty line. */
function rawHeaders(head: HttpRequestHead | HttpResponseHead): string {
  const raw = head.rawLatin1
  const start = raw.indexOf('\n', head.line.length === 0 ? 0 : raw.indexOf(head.line)) + 1
  const end = raw.endsWith('\r\n\r\n')
    ? raw.length - 2
    : raw.endsWith('\n\n')
      ? raw.length - 1
      : raw.length
  return start >= end ? '' : raw.slice(start, end)
}

/** Most fields whose names are remembered together, and sets of them: programs send the same again and again. */
const MAX_NAMES = 32
const NAME_SETS = 1024

interface NameSet {
  readonly names: readonly string[]
  readonly text: string
}

const nameSets: (NameSet | null)[] = Array.from({ length: NAME_SETS }, () => null)

function headerNames(headers: readonly HttpHeader[]): string {
  let place = headers.length
  for (let index = 0; index < headers.length; index += 1)
    place = (place * 31 + headers[index].name.length) % NAME_SETS
  const known = nameSets[place]
  if (known !== null && isOfNames(known, headers)) return known.text
  const names = headers.map(({ name }) => name)
  const text = `\r\n${names.map((name) => `${name}\r\n`).join('')}\r\n`
  // Where heads are read with `head-words.ts` equal names are one string, and comparing them costs nothing.
  if (names.length <= MAX_NAMES && text.length <= MAX_VALUE_BYTES) nameSets[place] = { names, text }
  return text
}

function isOfNames({ names }: NameSet, headers: readonly HttpHeader[]): boolean {
  if (names.length !== headers.length) return false
  for (let index = 0; index < names.length; index += 1)
    if (names[index] !== headers[index].name) return false
  return true
}

/** Values of all fields of that name, ", " between; null when there is none. */
export function joinedValue(headers: readonly HttpHeader[], nameLower: string): string | null {
  let found: string | null = null
  for (const header of headers) {
    if (header.nameLower !== nameLower) continue
    found = found === null ? header.value : `${found}, ${header.value}`
  }
  return found
}
