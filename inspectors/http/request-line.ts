import { type Anomaly, note } from './anomaly.ts'
import { CHAR_CLASS, DIGIT, HOST, isAll, TARGET, TOKEN } from './char-class.ts'
import type { HttpErrorCode } from './http-error.ts'
import type { HttpLimits } from './limits.ts'

/** Parts of a request line as sent. */
export interface RequestLine {
  readonly line: string
  readonly method: string
  readonly target: string
  readonly protocol: string
}

/**
 * RFC 9112 section 3, without its leave to be lax about blanks:
 *
 *     request-line = method SP request-target SP HTTP-version
 *
 * Any token is a method. Versions above 1.1 are accepted and noted (a rule set judges them); below 1.0
 * and other spellings are not. A line without a version is HTTP/0.9, to which no answer has a head.
 *
 * @param line latin1 without CRLF
 */
export function readRequestLine(
  line: string,
  limits: HttpLimits,
  anomalies: Anomaly[],
): RequestLine | HttpErrorCode {
  const methodEnd = line.indexOf(' ')
  if (methodEnd === -1) return line.includes('\r') ? 'bare-cr' : 'invalid-request-line'
  if (methodEnd === 0 || !isAll(line, 0, methodEnd, TOKEN)) return 'invalid-method'
  if (methodEnd > limits.methodBytes) return 'method-too-long'
  const targetEnd = line.lastIndexOf(' ')
  const hasVersion = targetEnd > methodEnd
  const method = line.slice(0, methodEnd)
  const target = line.slice(methodEnd + 1, hasVersion ? targetEnd : line.length)
  if (target.length > limits.targetBytes) return 'target-too-long'
  if (target.length === 0) return 'invalid-request-line'
  if (!isAll(target, 0, target.length, TARGET)) {
    return target.includes(' ') ? 'invalid-request-line' : 'invalid-target'
  }
  const protocol = hasVersion ? line.slice(targetEnd + 1) : ''
  if (protocol === '') return 'http-0.9'
  if (protocol !== 'HTTP/1.1' && protocol !== 'HTTP/1.0') {
    if (!/^HTTP\/[1-9](?:\.[0-9])?$/.test(protocol)) return 'invalid-version'
    if (method === 'PRI' && target === '*') return 'http2-preface'
    note(anomalies, 'unusual-version')
  }
  if (!isTarget(method, target, anomalies)) return 'invalid-target'
  return { line, method, target, protocol }
}

/** The four forms of section 3.2. */
function isTarget(method: string, target: string, anomalies: Anomaly[]): boolean {
  if (method === 'CONNECT') return /:[0-9]{1,5}$/.test(target) && isHost(target)
  if (target.charCodeAt(0) === 0x2f) {
    for (let i = 1; i < target.length; i++) {
      if (target.charCodeAt(i) > 0x7f) {
        note(anomalies, 'eight-bit-target')
        break
      }
    }
    return true
  }
  if (target === '*') return method === 'OPTIONS'
  if (!/^[a-z][a-z0-9+.-]*:\/\/[^/?]/i.test(target)) return false
  note(anomalies, 'absolute-form')
  return true
}

/**
 * `uri-host [ ":" port ]` (RFC 9110 section 7.2). Percent-encoding is refused: whether `%00` ends a name
 * depends on who reads it.
 */
export function isHost(value: string): boolean {
  let at = 0
  if (value.charCodeAt(0) === 0x5b) {
    const close = value.indexOf(']')
    if (close < 2 || !/^[0-9a-fA-F:.]+$/.test(value.slice(1, close))) return false
    at = close + 1
  } else {
    while (at < value.length && (CHAR_CLASS[value.charCodeAt(at)] & HOST) !== 0) at++
    if (at === 0) return false
  }
  if (at === value.length) return true
  return value.charCodeAt(at) === 0x3a && isAll(value, at + 1, value.length, DIGIT)
}
