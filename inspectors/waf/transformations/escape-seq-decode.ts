import { hexByte, isHexDigit, isOctalDigit } from './byte-classes.ts'
import { reserve, take } from './byte-writer.ts'
import { type Transformation, triggers } from './transformation.ts'

/**
 * `t:escapeSeqDecode`: ANSI C escapes.
 * ```
 * escape := '\' ( [abfnrtv\?'"] | [xX] hex{2} | octal{1,3} | byte )
 * ```
 * An octal number keeps its low eight bits. Any other byte stands for itself; a backslash at the end stays.
 */
export const escapeSeqDecode: Transformation = {
  name: 'escapeSeqDecode',
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
    const high = value.charCodeAt(index + 2)
    const low = value.charCodeAt(index + 3)
    if ((next | 0x20) === 0x78 && isHexDigit(high) && isHexDigit(low)) {
      out[length++] = hexByte(high, low)
      index += 4
    } else if (isOctalDigit(next)) {
      let digits = 1
      while (digits < 3 && isOctalDigit(value.charCodeAt(index + 1 + digits))) digits += 1
      out[length++] = Number.parseInt(value.slice(index + 1, index + 1 + digits), 8) & 0xff
      index += 1 + digits
    } else {
      out[length++] = CONTROL.get(next) ?? next
      index += 2
    }
  }
  return length === value.length ? value : take(length)
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
