import { blanksForPlus } from '../transformations/blanks-for-plus.ts'

/**
 * Decoding of `application/x-www-form-urlencoded` text as ModSecurity v2 does it: `+` is a blank, `%`
 * with two hexadecimal digits a byte, any other `%` stays as it is.
 */

/** Decodes one name or value (latin1 in, latin1 out). */
export function urlDecode(textLatin1: string): string {
  return percentDecode(blanksForPlus(textLatin1))
}

/** Decodes `%` escapes alone, as in a path. */
export function percentDecode(textLatin1: string): string {
  let decoded = ''
  let from = 0
  for (let at = textLatin1.indexOf('%'); at >= 0; at = textLatin1.indexOf('%', at)) {
    const high = hexValue(textLatin1.charCodeAt(at + 1))
    const low = hexValue(textLatin1.charCodeAt(at + 2))
    if (high < 0 || low < 0) {
      at += 1
      continue
    }
    decoded += textLatin1.slice(from, at) + String.fromCharCode((high << 4) | low)
    at += 3
    from = at
  }
  return from === 0 ? textLatin1 : decoded + textLatin1.slice(from)
}

/** True when a `%` is not followed by two hexadecimal digits. */
export function hasBrokenEscape(textLatin1: string): boolean {
  for (let at = textLatin1.indexOf('%'); at >= 0; at = textLatin1.indexOf('%', at + 1)) {
    const isEscape =
      hexValue(textLatin1.charCodeAt(at + 1)) >= 0 && hexValue(textLatin1.charCodeAt(at + 2)) >= 0
    if (!isEscape) return true
  }
  return false
}

function hexValue(code: number): number {
  if (code >= 0x30 && code <= 0x39) return code - 0x30
  const lower = code | 0x20
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1
}
