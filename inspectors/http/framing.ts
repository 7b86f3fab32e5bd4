import { type Anomaly, note } from './anomaly.ts'
import { DIGIT, isAll } from './char-class.ts'
import type { HttpErrorCode } from './http-error.ts'
import { isHost } from './request-line.ts'
import type { BodyFraming, HttpHeader } from './transaction.ts'

/**
 * Where a body ends (RFC 9112 section 6.3), read so that no other reader can come to another result:
 * Transfer-Encoding is one field that says `chunked` and nothing else, Content-Length is one decimal
 * number however often it is repeated. Whoever wants another transfer coding is refused.
 */

/** 15 digits stay exact in a double. */
const MAX_LENGTH_DIGITS = 15

const NONE: BodyFraming = Object.freeze({ kind: 'none' })
const CHUNKED: BodyFraming = Object.freeze({ kind: 'chunked' })
const UNTIL_CLOSE: BodyFraming = Object.freeze({ kind: 'until-close' })

export interface RequestFramingRules {
  /** A request with both fields: read as chunked and noted, or refused. */
  readonly contentLengthWithChunked: 'accept' | 'reject'
}

/** Framing of a request, and the checks on its Host field (RFC 9112 section 3.2). */
export function requestFraming(
  method: string,
  protocol: string,
  headers: readonly HttpHeader[],
  rules: RequestFramingRules,
  anomalies: Anomaly[],
): BodyFraming | HttpErrorCode {
  let hosts = 0
  let host = ''
  let hasFramingFields = false
  for (const header of headers) {
    const name = header.nameLower
    if (name === 'host') {
      hosts++
      host = header.value
    } else if (name === 'content-length' || name === 'transfer-encoding') hasFramingFields = true
  }
  const isOld = protocol === 'HTTP/1.0'
  if (hosts > 1) return 'repeated-host'
  if (hosts === 0 && !isOld) return 'missing-host'
  if (host === '' ? !isOld : !isHost(host)) return 'invalid-host'
  if (!hasFramingFields) return NONE
  const length = contentLength(headers, anomalies)
  if (typeof length === 'string') return length
  const coding = transferCoding(headers, isOld)
  if (coding !== null && coding !== 'chunked') return coding
  if (coding === 'chunked') {
    if (length !== null) {
      if (rules.contentLengthWithChunked === 'reject') return 'conflicting-framing'
      note(anomalies, 'content-length-with-transfer-encoding')
    }
    noteUnusualBody(method, anomalies)
    return CHUNKED
  }
  if (length === null || length === 0) return NONE
  noteUnusualBody(method, anomalies)
  return { kind: 'length', bytes: length }
}

/** @param method of the request that is answered */
export function responseFraming(
  method: string,
  protocol: string,
  status: number,
  headers: readonly HttpHeader[],
  anomalies: Anomaly[],
): BodyFraming | HttpErrorCode {
  const length = contentLength(headers, anomalies)
  if (typeof length === 'string') return length
  const coding = transferCoding(headers, protocol === 'HTTP/1.0')
  if (coding !== null && coding !== 'chunked') return coding
  if (method === 'HEAD' || status === 304) return NONE
  const isSwitch = status === 101 || (method === 'CONNECT' && status >= 200 && status < 300)
  if (status < 200 || status === 204 || isSwitch) {
    if (coding !== null || (length !== null && length > 0)) note(anomalies, 'forbidden-body')
    return NONE
  }
  if (coding === 'chunked') {
    if (length !== null) note(anomalies, 'content-length-with-transfer-encoding')
    return CHUNKED
  }
  if (length === null) return UNTIL_CLOSE
  return length === 0 ? NONE : { kind: 'length', bytes: length }
}

/**
 *     Content-Length = 1*DIGIT
 *
 * or a list of equal ones. Leading zeros are refused: some readers take them for octal.
 */
function contentLength(
  headers: readonly HttpHeader[],
  anomalies: Anomaly[],
): number | null | HttpErrorCode {
  let first: string | null = null
  for (const header of headers) {
    if (header.nameLower !== 'content-length') continue
    for (const item of header.value.split(',')) {
      const digits = item.trim()
      if (digits.length === 0 || !isAll(digits, 0, digits.length, DIGIT)) {
        return 'invalid-content-length'
      }
      if (digits.length > MAX_LENGTH_DIGITS || (digits.length > 1 && digits.startsWith('0'))) {
        return 'invalid-content-length'
      }
      if (first === null) first = digits
      else if (first !== digits) return 'conflicting-content-length'
      else note(anomalies, 'repeated-content-length')
    }
  }
  return first === null ? null : Number(first)
}

function transferCoding(
  headers: readonly HttpHeader[],
  isOld: boolean,
): 'chunked' | null | HttpErrorCode {
  let fields = 0
  let value = ''
  for (const header of headers) {
    if (header.nameLower !== 'transfer-encoding') continue
    fields++
    value = header.value
  }
  if (fields === 0) return null
  if (isOld) return 'transfer-encoding-in-1.0'
  return fields === 1 && value.toLowerCase() === 'chunked' ? 'chunked' : 'invalid-transfer-encoding'
}

function noteUnusualBody(method: string, anomalies: Anomaly[]): void {
  switch (method) {
    case 'GET':
    case 'HEAD':
    case 'OPTIONS':
    case 'TRACE':
    case 'CONNECT':
      note(anomalies, 'unusual-body')
  }
}
