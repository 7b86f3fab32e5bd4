import { brotliDecompressSync, gunzipSync, inflateRawSync, inflateSync } from 'node:zlib'

export type Inflated =
  | { readonly kind: 'plain' }
  | { readonly kind: 'inflated'; readonly bytes: Buffer }
  | { readonly kind: 'failed'; readonly message: string }

/** Most codings one on top of another. */
const MAX_CODINGS = 2

/**
 * Removes the content codings of a body (gzip, deflate, br), last one first.
 *
 * @param maxBytes bound of the result: a bomb fails before it unfolds
 */
export function inflateBody(received: Buffer, contentEncoding: string, maxBytes: number): Inflated {
  const codings = contentEncoding
    .toLowerCase()
    .split(',')
    .map((coding) => coding.trim())
    .filter((coding) => coding !== '' && coding !== 'identity')
  if (codings.length === 0) return { kind: 'plain' }
  if (codings.length > MAX_CODINGS) return { kind: 'failed', message: 'too many content codings' }
  let current = received
  for (const coding of codings.reverse()) {
    try {
      const next = inflateOne(current, coding, maxBytes)
      if (next === null) return { kind: 'failed', message: 'unknown content coding' }
      current = next
    } catch (error) {
      const tooLarge = error instanceof RangeError
      const message = tooLarge ? `inflates to more than ${maxBytes} bytes` : 'broken content coding'
      return { kind: 'failed', message }
    }
  }
  return { kind: 'inflated', bytes: current }
}

function inflateOne(bytes: Buffer, coding: string, maxBytes: number): Buffer | null {
  const options = { maxOutputLength: Math.max(1, maxBytes) }
  switch (coding) {
    case 'gzip':
    case 'x-gzip':
      return gunzipSync(bytes, options)
    case 'deflate':
      // Some send raw deflate under that name; the zlib header tells.
      return isZlib(bytes) ? inflateSync(bytes, options) : inflateRawSync(bytes, options)
    case 'br':
      return brotliDecompressSync(bytes, options)
    default:
      return null
  }
}

function isZlib(bytes: Buffer): boolean {
  return bytes.length >= 2 && (bytes[0] & 0x0f) === 8 && ((bytes[0] << 8) | bytes[1]) % 31 === 0
}
