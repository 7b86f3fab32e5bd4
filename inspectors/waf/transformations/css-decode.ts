import { hexByte, hexDigit, isHexDigit, isSpace, narrowCodePoint } from './byte-classes.ts'
import { reserve, take } from './byte-writer.ts'
import { type Transformation, triggers } from './transformation.ts'

/**
 * `t:cssDecode`: CSS 2 escapes.
 * ```
 * escape := '\' ( hex{1,6} space? | newline | byte )
 * ```
 * Of a number the last two digits are kept, as ModSecurity does it, and full-width ASCII is made narrow;
 * an escaped newline vanishes, as does a backslash at the end; any other byte stands for itself.
 */
export const cssDecode: Transformation = {
  name: 'cssDecode',
  apply: decode,
  triggerBytes: triggers('\\'),
}

function decode(value: string): string {
  let index = value.indexOf('\\')
  if (index < 0) return value
  const out = reserve(value.length)
  for (let before = 0; before < index; before += 1) out[before] = value.charCodeAt(before)
  let length = index
  while (index < value.length) {
    const code = value.charCodeAt(index)
    index += 1
    if (code !== 0x5c) {
      out[length++] = code
      continue
    }
    if (index === value.length) break
    let digits = 0
    while (digits < 6 && isHexDigit(value.charCodeAt(index + digits))) digits += 1
    if (digits > 0) {
      out[length++] = escapedByte(value, index, digits)
      index += digits
      if (isSpace(value.charCodeAt(index))) index += 1
    } else if (value.charCodeAt(index) === 0x0a) index += 1
    else {
      out[length++] = value.charCodeAt(index)
      index += 1
    }
  }
  return take(length)
}

function escapedByte(value: string, from: number, digits: number): number {
  const end = from + digits
  if (digits === 1) return hexDigit(value.charCodeAt(from))
  const byte = hexByte(value.charCodeAt(end - 2), value.charCodeAt(end - 1))
  const isFourDigits =
    digits === 4 ||
    (digits === 5 && value.startsWith('0', from)) ||
    (digits === 6 && value.startsWith('00', from))
  if (!isFourDigits) return byte
  return narrowCodePoint(value.charCodeAt(end - 4), value.charCodeAt(end - 3), byte)
}
