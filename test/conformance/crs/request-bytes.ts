import { expandTemplate } from './data-template.ts'
import type { FtwInput } from './ftw-test.ts'

/**
 * Bytes of a request as go-ftw sends it: header order kept, missing headers completed unless the test
 * forbids it, plain form data encoded, multipart lines ended with CRLF.
 *
 * @param uri    one of `input.uris`
 * @param cookie what earlier stages saved, `name=value; ...`; empty for none
 */
export function requestBytes(input: FtwInput, uri = input.uris[0], cookie = ''): Buffer {
  if (input.encodedRequest !== null) return input.encodedRequest
  const headers = [...input.headers]
  const has = (name: string): boolean => headers.some(([key]) => key.toLowerCase() === name)
  if (cookie !== '') addCookie(headers, cookie)
  let body = bodyBytes(input)
  if (input.autocompleteHeaders && body.length > 0) {
    if (!has('content-type')) headers.push(['Content-Type', 'application/x-www-form-urlencoded'])
    if (hasContentType(headers, (type) => type === 'application/x-www-form-urlencoded')) {
      body = encodeForm(body)
    }
  }
  if (hasContentType(headers, (type) => type.includes('multipart/form-data;'))) {
    body = Buffer.from(body.toString('latin1').replaceAll('\n', '\r\n'), 'latin1')
  }
  if (input.autocompleteHeaders) {
    if (!has('connection')) headers.push(['Connection', 'close'])
    // Reads as go-ftw's expression does: the anchors bind to the first and the last name only.
    if (
      !has('content-length') &&
      (body.length > 0 || /^POST|PUT|PATCH|DELETE$/.test(input.method))
    ) {
      headers.push(['Content-Length', String(body.length)])
    }
  }
  const lines = headers.map(([name, value]) => `${name}: ${value}\r\n`).join('')
  return Buffer.concat([
    Buffer.from(`${input.method} ${uri} ${input.version}\r\n${lines}\r\n`),
    body,
  ])
}

function bodyBytes(input: FtwInput): Buffer {
  if (input.data !== null) return Buffer.from(expandTemplate(input.data) ?? '')
  return input.encodedData ?? Buffer.alloc(0)
}

function hasContentType(
  headers: readonly (readonly [string, string])[],
  isWanted: (typeLower: string) => boolean,
): boolean {
  return headers.some(
    ([name, value]) => name.toLowerCase() === 'content-type' && isWanted(value.toLowerCase()),
  )
}

function addCookie(headers: (readonly [string, string])[], cookie: string): void {
  const index = headers.findIndex(([name]) => name.toLowerCase() === 'cookie')
  if (index === -1) headers.push(['Cookie', cookie])
  else headers[index] = [headers[index][0], `${headers[index][1]}; ${cookie}`]
}

/** Form data in which nothing is encoded yet is encoded, name by name and value by value. */
function encodeForm(body: Buffer): Buffer {
  const text = body.toString('latin1')
  if (text.includes('+') || text.includes('%')) return body
  const encoded = text.split('&').map((pair) => {
    const equals = pair.indexOf('=')
    if (equals < 0) return escapeForm(pair)
    return `${escapeForm(pair.slice(0, equals))}=${escapeForm(pair.slice(equals + 1))}`
  })
  return Buffer.from(encoded.join('&'), 'latin1')
}

/** Go's `url.QueryEscape`, over bytes. */
function escapeForm(textLatin1: string): string {
  return textLatin1.replaceAll(/[^A-Za-z0-9\-_.~]/g, (character) =>
    character === ' '
      ? '+'
      : `%${character.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`,
  )
}
