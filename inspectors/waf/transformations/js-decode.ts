import { hexByte, isHexDigit, isOctalDigit, narrowCodePoint } from './byte-classes.ts'
import { reserve, take } from './byte-writer.ts'
import { type Transformation, triggers } from './transformation.ts'

/**
 * `t:jsDecode`: JavaScript escapes.
 * ```
 * escape := '\' ( 'u' hex{4} | 'x' hex{2} | octal{1,3} | [abfnrtv] | byte )
 * ```
 * Of `\uHHHH` the low byte is kept, full-width ASCII is made narrow. Three octal digits over 377 are read
 * as two. Any other byte stands for itself; a backslash at the end stays.
 */
export const jsDecode: Transformation = {
  name: 'jsDecode',
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
    if (code !== 0x5c || index + 1 === value.length) {
      out[length++] = code
      index += 1
      continue
    }
    const next = value.charCodeAt(index + 1)
    if (next === 0x75 && index + 5 < value.length && areHex(value, index + 2, index + 6)) {
      const low = hexByte(value.charCodeAt(index + 4), value.charCodeAt(index + 5))
      const high1 = value.charCodeAt(index + 2)
      out[length++] = narrowCodePoint(high1, value.charCodeAt(index + 3), low)
      index += 6
    } else if (next === 0x78 && index + 3 < value.length && areHex(value, index + 2, index + 4)) {
      out[length++] = hexByte(value.charCodeAt(index + 2), value.charCodeAt(index + 3))
      index += 4
    } else if (isOctalDigit(next)) {
      const digits = octalDigits(value, index + 1)
      out[length++] = Number.parseInt(value.slice(index + 1, index + 1 + digits), 8)
      index += 1 + digits
    } else {
      out[length++] = CONTROL.get(next) ?? next
      index += 2
    }
  }
  return length === value.length ? value : take(length)
}

/** Octal digits that make one byte. */
function octalDigits(value: string, from: number): number {
  let digits = 1
  while (digits < 3 && isOctalDigit(value.charCodeAt(from + digits))) digits += 1
  return digits === 3 && value.charCodeAt(from) > 0x33 ? 2 : digits
}

function areHex(value: string, from: number, to: number): boolean {
  for (let index = from; index < to; index += 1) {
    if (!isHexDigit(value.charCodeAt(index))) return false
  }
  return true
}

/** Bytes that the letters a, b, f, n, r, t and v stand for after a backslash. */
const CONTROL: ReadonlyMap<number, number> = new Map([
  [0x61, 7],
  [0x62, 8],
  [0x66, 12],
  [0x6e, 10],
  [0x72, 13],
  [0x74, 9],
  [0x76, 11],
])
