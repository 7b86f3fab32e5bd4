import type { FtwInput } from './ftw-test.ts'

/**
 * Bytes of a request as go-ftw sends it: header order kept, missing headers completed unless the test
 * forbids it, plain form data encoded, multipart lines ended with CRLF.
 */
export function requestBytes(input: FtwInput): Buffer {
  if (input.encoded_request !== undefined) return Buffer.from(input.encoded_request, 'base64')
  const method = input.method ?? 'GET'
  const headers = Object.entries(input.headers ?? {})
  const find = (name: string): string | undefined =>
    headers.find(([key]) => key.toLowerCase() === name)?.[1]
  let body = input.data ?? ''
  if (input.autocomplete_headers !== false) {
    if (body !== '' && find('content-type') === undefined) {
      headers.push(['Content-Type', 'application/x-www-form-urlencoded'])
    }
    if (find('connection') === undefined) headers.push(['Connection', 'close'])
  }
  const contentType = find('content-type') ?? ''
  if (contentType.toLowerCase() === 'application/x-www-form-urlencoded') body = encodeForm(body)
  if (/multipart\/form-data;/i.test(contentType)) body = body.replaceAll(/\r?\n/g, '\r\n')
  const bodyBytes = Buffer.from(body, 'utf8')
  if (input.autocomplete_headers !== false && find('content-length') === undefined) {
    if (bodyBytes.length > 0 || /^POST|PUT|PATCH|DELETE$/.test(method)) {
      headers.push(['Content-Length', String(bodyBytes.length)])
    }
  }
  const lines = headers.map(([name, value]) => `${name}: ${value}\r\n`).join('')
  const head = `${method} ${input.uri ?? '/'} ${input.version ?? 'HTTP/1.1'}\r\n${lines}\r\n`
  return Buffer.concat([Buffer.from(head, 'utf8'), bodyBytes])
}

/** Form data in which nothing is encoded yet is encoded, name by name and value by value. */
function encodeForm(body: string): string {
  if (body.includes('+') || body.includes('%')) return body
  return body
    .split('&')
    .map((pair) => {
      const equals = pair.indexOf('=')
      if (equals < 0) return escapeForm(pair)
      return `${escapeForm(pair.slice(0, equals))}=${escapeForm(pair.slice(equals + 1))}`
    })
    .join('&')
}

/** Go's `url.QueryEscape`. */
function escapeForm(text: string): string {
  return Array.from(Buffer.from(text, 'utf8'), (byte) => {
    const character = String.fromCharCode(byte)
    if (/[A-Za-z0-9\-_.~]/.test(character)) return character
    return character === ' ' ? '+' : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`
  }).join('')
}
