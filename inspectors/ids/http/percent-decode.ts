const PERCENT = '%'
const U = 0x75

/**
 * %XX and %uXXXX decoded once, from left to right; an invalid % stays as it is.
 *
 * @param text latin1; the result is so too
 */
export function percentDecode(text: string): string {
  let at = text.indexOf(PERCENT)
  if (at < 0) return text
  let decoded = ''
  let from = 0
  while (at >= 0) {
    const isWide = text.charCodeAt(at + 1) === U
    const digits = isWide ? at + 2 : at + 1
    const end = digits + (isWide ? 4 : 2)
    const code = hexOf(text, digits, end)
    if (code < 0) {
      at = text.indexOf(PERCENT, at + 1)
      continue
    }
    decoded += text.slice(from, at) + String.fromCharCode(code > 0xff ? bestFit(code) : code)
    from = end
    at = text.indexOf(PERCENT, end)
  }
  return from === 0 ? text : decoded + text.slice(from)
}

/** -1: not all of these are digits. */
function hexOf(text: string, from: number, to: number): number {
  let code = 0
  for (let at = from; at < to; at += 1) {
    const byte = text.charCodeAt(at)
    if (byte >= 0x30 && byte <= 0x39) code = code * 16 + byte - 0x30
    else {
      const letter = byte | 0x20
      if (letter < 0x61 || letter > 0x66) return -1
      code = code * 16 + letter - 0x57
    }
  }
  return code
}

/** Byte that a server of old puts in place of a character outside latin1: full-width ASCII, else "?". */
function bestFit(code: number): number {
  if (code >= 0xff01 && code <= 0xff5e) return code - 0xfee0
  return 0x3f
}
