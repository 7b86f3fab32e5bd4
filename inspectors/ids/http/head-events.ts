/**
 * What is wrong with the head of an HTTP message, by the names of `app-layer-event`. Read from the head as it was sent,
 * so it is the same whichever parser let the message pass.
 *
 * @see Suricata's http-events.rules, for what each name is about
 */
import type { HttpHeader, HttpRequestHead, HttpResponseHead } from '#inspectors/http/transaction.ts'
import { MAX_CODING_LAYERS } from '../limits.ts'
import { authorityOf } from './uri.ts'

const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/
const AUTHORIZATION = /^(?:basic|digest|bearer|negotiate|ntlm)\b/i
const CODINGS = new Set([
  'gzip',
  'x-gzip',
  'deflate',
  'x-deflate',
  'br',
  'lzma',
  'identity',
  'inflate',
])
/** Longest name of a host, and of one label. */
const MAX_HOST = 255
const MAX_LABEL = 63

/** @returns names without `http.`, each once */
export function requestEvents(head: HttpRequestHead): ReadonlySet<string> {
  const found = new Set<string>()
  requestLine(head, found)
  hosts(head, found)
  fields(head, 'request', found)
  const authorization = valueOf(head.headers, 'authorization')
  if (authorization !== null && !AUTHORIZATION.test(authorization))
    found.add('request_auth_unrecognized')
  return found
}

/** @returns names without `http.`, each once */
export function responseEvents(head: HttpResponseHead): ReadonlySet<string> {
  const found = new Set<string>()
  if (!/^HTTP\/\d+\.\d+$/.test(head.protocol)) found.add('response_invalid_protocol')
  if (head.status < 100 || head.status > 999) found.add('response_invalid_status')
  fields(head, 'response', found)
  const coding = valueOf(head.headers, 'transfer-encoding')
  if (coding !== null) {
    if (head.protocol === 'HTTP/1.0') found.add('response_chunked_old_proto')
    if (coding.toLowerCase() !== 'chunked') found.add('response_abnormal_transfer_encoding')
  }
  const type = valueOf(head.headers, 'content-type')
  if (type !== null && /^multipart\/byteranges/i.test(type))
    found.add('response_multipart_byteranges')
  return found
}

function requestLine(head: HttpRequestHead, found: Set<string>): void {
  const raw = head.rawLatin1.slice(0, head.rawLatin1.indexOf('\n') + 1)
  if (/^[ \t]/.test(raw)) found.add('request_line_leading_whitespace')
  const parts = /^\s*(\S+)(\s*)(\S*)(\s*)/.exec(head.line)
  if (parts !== null) {
    if (parts[2] !== ' ' && parts[3] !== '') found.add('method_delim_non_compliant')
    if (/[^ ]/.test(parts[4])) found.add('uri_delim_non_compliant')
  }
  if (/%25[0-9a-fA-F]{2}/.test(head.target)) found.add('double_encoded_uri')
}

function hosts(head: HttpRequestHead, found: Set<string>): void {
  const named = valueOf(head.headers, 'host')
  const authority = authorityOf(head.target)
  if (named === null) {
    if (head.protocol === 'HTTP/1.1') found.add('missing_host_header')
  } else if (!isHost(named)) {
    found.add('request_header_host_invalid')
    found.add('header_host_invalid')
  }
  if (authority === null || authority === '') return
  if (!isHost(authority.slice(authority.lastIndexOf('@') + 1))) found.add('uri_host_invalid')
  if (named !== null && authority.toLowerCase() !== named.toLowerCase())
    found.add('host_header_ambiguous')
}

/** A name or address, with a port or not. */
function isHost(text: string): boolean {
  if (/^\[[0-9a-fA-F:.]+\](?::\d*)?$/.test(text)) return true
  const name = text.replace(/:\d*$/, '').replace(/\.$/, '')
  return (
    name.length > 0 &&
    name.length <= MAX_HOST &&
    name.split('.').every((label) => /^[A-Za-z0-9_-]+$/.test(label) && label.length <= MAX_LABEL)
  )
}

function fields(
  head: HttpRequestHead | HttpResponseHead,
  side: 'request' | 'response',
  found: Set<string>,
): void {
  const lines = head.rawLatin1.split(/\r?\n/).slice(1)
  for (const line of lines) {
    if (line === '') break
    if (/^[ \t]/.test(line)) {
      if (line === lines[0]) found.add(`invalid_${side}_field_folding`)
      continue
    }
    const colon = line.indexOf(':')
    if (colon < 0) found.add(`${side}_field_missing_colon`)
    else if (!TOKEN.test(line.slice(0, colon).trim())) found.add(`${side}_header_invalid`)
  }
  const seen = new Set<string>()
  for (const { nameLower, value } of head.headers) {
    if (nameLower === 'content-length') {
      if (seen.has(nameLower)) found.add(`duplicate_content_length_field_in_${side}`)
      if (!/^\d+$/.test(value)) found.add(`invalid_content_length_field_in_${side}`)
    } else if (seen.has(nameLower) && nameLower !== 'set-cookie')
      found.add(`${side}_header_repetition`)
    if (nameLower === 'transfer-encoding' && !/(?:^|,)\s*chunked\s*$/i.test(value))
      found.add(`invalid_transfer_encoding_value_in_${side}`)
    if (nameLower === 'content-encoding') codings(value, found)
    seen.add(nameLower)
  }
}

function codings(value: string, found: Set<string>): void {
  const names = value
    .toLowerCase()
    .split(/[,\s]+/)
    .filter((name) => name !== '')
  if (names.length > MAX_CODING_LAYERS) found.add('too_many_encoding_layers')
  if (names.some((name) => !CODINGS.has(name))) found.add('abnormal_ce_header')
}

function valueOf(headers: readonly HttpHeader[], nameLower: string): string | null {
  return headers.find((header) => header.nameLower === nameLower)?.value ?? null
}
