import { type Transformation, triggers } from './transformation.ts'

/**
 * `t:utf8toUnicode`: characters of two bytes and more become `%uHHHH`, which `t:urlDecodeUni` reads.
 *
 * An overlong form and a surrogate are written out and followed by their first byte, as in ModSecurity.
 * Bytes that are no UTF-8 stay; ModSecurity v2 drops some of them.
 */
export const utf8toUnicode: Transformation = {
  name: 'utf8toUnicode',
  apply: convert,
  triggerBytes: triggers('', [0x80, 0xff]),
}

/** Least code point of a sequence of so many bytes; below it the form is overlong. */
const LEAST = [0, 0, 0x80, 0x800, 0x10000]

function convert(value: string): string {
  let index = 0
  while (index < value.length && value.charCodeAt(index) < 0x80) index += 1
  if (index === value.length) return value
  let out = value.slice(0, index)
  while (index < value.length) {
    const first = value.charCodeAt(index)
    const length = sequenceLength(value, index, first)
    if (length === 1) {
      out += value[index]
      index += 1
      continue
    }
    let point = first & (0xff >> (length + 1))
    for (let at = 1; at < length; at += 1) {
      point = (point << 6) | (value.charCodeAt(index + at) & 0x3f)
    }
    out += `%u${point.toString(16).padStart(4, '0')}`
    if ((point >= 0xd800 && point <= 0xdfff) || point < LEAST[length]) out += value[index]
    index += length
  }
  return out
}

/** Bytes of the character that starts here; 1 for ASCII and for what is no UTF-8. */
function sequenceLength(value: string, index: number, first: number): number {
  let length = 1
  if (first >= 0xc0 && first < 0xe0) length = 2
  else if (first >= 0xe0 && first < 0xf0) length = 3
  else if (first >= 0xf0 && first < 0xf5) length = 4
  for (let at = 1; at < length; at += 1) {
    // NaN past the end is no continuation byte either.
    if ((value.charCodeAt(index + at) & 0xc0) !== 0x80) return 1
  }
  return length
}
