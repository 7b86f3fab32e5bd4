/**
 * Decoding of `application/x-www-form-urlencoded` text as ModSecurity v2 does it: `+` is a blank, `%`
 * with two hexadecimal digits a byte, any other `%` stays as it is.
 */

/** Decodes one name or value (latin1 in, latin1 out). */
export function urlDecode(textLatin1: string): string {
  if (!textLatin1.includes('%')) {
    return textLatin1.includes('+') ? textLatin1.replaceAll('+', ' ') : textLatin1
  }
  let decoded = ''
  let from = 0
  for (let index = 0; index < textLatin1.length; index += 1) {
    const code = textLatin1.charCodeAt(index)
    if (code === PLUS) {
      decoded += `${textLatin1.slice(from, index)} `
      from = index + 1
    } else if (code === PERCENT) {
      const high = hexValue(textLatin1.charCodeAt(index + 1))
      const low = hexValue(textLatin1.charCodeAt(index + 2))
      if (high < 0 || low < 0) continue
      decoded += textLatin1.slice(from, index) + String.fromCharCode((high << 4) | low)
      index += 2
      from = index + 1
    }
  }
  return decoded + textLatin1.slice(from)
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

const PLUS = 0x2b
const PERCENT = 0x25

function hexValue(code: number): number {
  if (code >= 0x30 && code <= 0x39) return code - 0x30
  const lower = code | 0x20
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1
}
