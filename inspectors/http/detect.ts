/**
 * Does a connection speak HTTP/1, judged by the first bytes of its client? Broken HTTP has to say yes, so
 * that the parser refuses it: a server may be laxer than we are, and what is taken for another
 * protocol is not inspected as HTTP. Hence a known method with any separator, any token before a
 * target-like word, and any first line that mentions a version say yes. RTSP and SIP share the method
 * names; with their schemes the version decides.
 */

/** First line is given up after this many bytes. */
export const DETECTION_BYTES = 4_096

export type Detection = 'yes' | 'no' | 'undecided'

const METHODS =
  /^(?:GET|HEAD|POST|PUT|DELETE|CONNECT|OPTIONS|TRACE|PATCH|PROPFIND|PROPPATCH|MKCOL|COPY|MOVE|LOCK|UNLOCK|SEARCH|REPORT|PURGE)[^!#$%&'*+\-.^_`|~0-9A-Za-z]/i
const TARGET = /^[^\s]+[\t\v\f ]+(?:[/*\\]|https?:)/i
const OTHER_SCHEMES = ['rtsp:', 'rtspu:', 'sip:', 'sips:']
const VERSION = /HTTP\/[0-9]/i

/** @param firstBytes everything the client has sent so far */
export function looksLikeHttp(firstBytes: Uint8Array): Detection {
  let start = 0
  while (start < firstBytes.length && isBlank(firstBytes[start])) start++
  if (start > DETECTION_BYTES) return 'no'
  if (start === firstBytes.length) return 'undecided'
  let end = start
  const cap = Math.min(firstBytes.length, start + DETECTION_BYTES)
  while (end < cap && isText(firstBytes[end])) end++
  const { buffer, byteOffset } = firstBytes
  const line = Buffer.from(buffer, byteOffset + start, end - start).toString('latin1')
  const isOpen = end === firstBytes.length && end - start < DETECTION_BYTES
  if (line.startsWith('SSH-')) return 'no'
  if (VERSION.test(line) || TARGET.test(line)) return 'yes'
  // The byte that ended the line separates as well as a blank does.
  if (METHODS.test(isOpen ? line : `${line}\n`) && !mayHaveOtherScheme(line, isOpen)) return 'yes'
  return isOpen ? 'undecided' : 'no'
}

/** After a method and a blank: could what follows still be a URI of another protocol? */
function mayHaveOtherScheme(line: string, isOpen: boolean): boolean {
  const target = /^\w+[ \t]+(.*)$/.exec(line)?.[1]?.toLowerCase()
  if (target === undefined) return false
  return OTHER_SCHEMES.some(
    (scheme) => target.startsWith(scheme) || (isOpen && scheme.startsWith(target)),
  )
}

const HTTP2_PREFACE = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'

/** The client's connection preface of HTTP/2 with prior knowledge (RFC 9113 section 3.4). */
export function looksLikeHttp2(firstBytes: Uint8Array): Detection {
  const length = Math.min(firstBytes.length, HTTP2_PREFACE.length)
  for (let i = 0; i < length; i++) {
    if (firstBytes[i] !== HTTP2_PREFACE.charCodeAt(i)) return 'no'
  }
  return length === HTTP2_PREFACE.length ? 'yes' : 'undecided'
}

function isBlank(byte: number): boolean {
  return byte === 0x20 || byte === 0x09 || byte === 0x0d || byte === 0x0a
}

function isText(byte: number): boolean {
  return (byte >= 0x20 && byte < 0x7f) || byte === 0x09 || byte === 0x0b || byte === 0x0c
}
