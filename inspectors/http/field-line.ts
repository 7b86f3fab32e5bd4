import { type Anomaly, note } from './anomaly.ts'
import { CHAR_CLASS, TOKEN, VALUE } from './char-class.ts'
import type { HttpErrorCode } from './http-error.ts'
import type { HttpHeader } from './transaction.ts'

/**
 * One field line (RFC 9112 section 5) without its line end:
 *
 *     field-line = field-name ":" OWS field-value OWS
 *
 * appended to `headers`. Requests (`lenient` null) may hold nothing but token characters in the name and
 * no control characters in the value, and may not fold. In responses folds and control characters other
 * than NUL and CR are noted in `lenient` and accepted, except where they would change the framing. Some
 * servers do not know `chunked` with a tab beside it, so requests' framing fields have no blanks but those
 * before the value, and those are spaces.
 *
 * @param text latin1; the line is `text[from, to)`
 * @returns why the line is refused, or null
 */
export function readFieldLine(
  text: string,
  from: number,
  to: number,
  headers: HttpHeader[],
  lenient: Anomaly[] | null,
): HttpErrorCode | null {
  let at = from
  while (at < to && (CHAR_CLASS[text.charCodeAt(at)] & TOKEN) !== 0) at++
  const nameEnd = at
  const first = text.charCodeAt(from)
  if (nameEnd === from && isBlank(first)) return foldLine(text, from, to, headers, lenient)
  if (at === to) return 'missing-colon'
  const separator = text.charCodeAt(at)
  if (separator !== 0x3a) return isBlank(separator) ? 'space-before-colon' : 'invalid-field-name'
  if (nameEnd === from) return 'invalid-field-name'
  let valueFrom = at + 1
  while (valueFrom < to && isBlank(text.charCodeAt(valueFrom))) valueFrom++
  let valueTo = to
  while (valueTo > valueFrom && isBlank(text.charCodeAt(valueTo - 1))) valueTo--
  const refusal = checkValue(text, valueFrom, valueTo, lenient)
  if (refusal !== null) return refusal
  const name = text.slice(from, nameEnd)
  const nameLower = name.toLowerCase()
  if (lenient === null && isFraming(nameLower)) {
    if (valueTo !== to || text.lastIndexOf('\t', valueFrom) >= from) return 'padded-framing-field'
  }
  headers.push({ name, nameLower, value: text.slice(valueFrom, valueTo) })
  return null
}

function checkValue(
  text: string,
  from: number,
  to: number,
  lenient: Anomaly[] | null,
): HttpErrorCode | null {
  for (let i = from; i < to; i++) {
    const code = text.charCodeAt(i)
    if ((CHAR_CLASS[code] & VALUE) !== 0) continue
    if (code === 0x0d) return 'bare-cr'
    if (lenient === null || code === 0) return 'control-character'
    note(lenient, 'control-character')
  }
  return null
}

/** Lines that continue the one before (obs-fold, RFC 9112 section 5.2). */
function foldLine(
  text: string,
  from: number,
  to: number,
  headers: HttpHeader[],
  lenient: Anomaly[] | null,
): HttpErrorCode | null {
  const folded = headers.at(-1)
  if (lenient === null || folded === undefined || isFraming(folded.nameLower)) return 'folded-field'
  let valueFrom = from
  while (valueFrom < to && isBlank(text.charCodeAt(valueFrom))) valueFrom++
  let valueTo = to
  while (valueTo > valueFrom && isBlank(text.charCodeAt(valueTo - 1))) valueTo--
  const refusal = checkValue(text, valueFrom, valueTo, lenient)
  if (refusal !== null) return refusal
  note(lenient, 'folded-field')
  headers[headers.length - 1] = {
    name: folded.name,
    nameLower: folded.nameLower,
    value: `${folded.value} ${text.slice(valueFrom, valueTo)}`.trim(),
  }
  return null
}

function isFraming(nameLower: string): boolean {
  return nameLower === 'content-length' || nameLower === 'transfer-encoding'
}

function isBlank(code: number): boolean {
  return code === 0x20 || code === 0x09
}
