import { hexByte, isHexDigit } from './byte-classes.ts'
import { reserve, take } from './byte-writer.ts'
import { type Transformation, triggers } from './transformation.ts'

/** `t:sqlHexDecode`: SQL's hexadecimal strings, `0x414243`. A digit left over at the end stays. */
export const sqlHexDecode: Transformation = {
  name: 'sqlHexDecode',
  apply: decode,
  triggerBytes: triggers('xX'),
}

function decode(value: string): string {
  const out = reserve(value.length)
  let length = 0
  let index = 0
  while (index < value.length) {
    const code = value.charCodeAt(index)
    const isNumber =
      code === 0x30 && (value.charCodeAt(index + 1) | 0x20) === 0x78 && isPair(value, index + 2)
    if (!isNumber) {
      out[length++] = code
      index += 1
      continue
    }
    for (index += 2; isPair(value, index); index += 2) {
      out[length++] = hexByte(value.charCodeAt(index), value.charCodeAt(index + 1))
    }
    // The byte after the number is copied without being looked at.
    if (index < value.length) {
      out[length++] = value.charCodeAt(index)
      index += 1
    }
  }
  return length === value.length ? value : take(length)
}

function isPair(value: string, index: number): boolean {
  return isHexDigit(value.charCodeAt(index)) && isHexDigit(value.charCodeAt(index + 1))
}
