import { addRange, emptySet } from '#signatures/pcre/byte-set.ts'
import { compiled, type OperatorDefinition } from './operator.ts'

/**
 * `@validateUtf8Encoding`: true when the value is *not* valid UTF-8 (RFC 3629): missing or stray
 * continuation bytes, overlong forms, surrogates, code points over U+10FFFF.
 *
 * @see ModSecurity Reference Manual v2, Operators, validateUtf8Encoding
 */
export const validateUtf8Encoding: OperatorDefinition = {
  name: 'validateUtf8Encoding',
  compile: () =>
    compiled({
      match: (value, captures) => {
        const offset = invalidOffset(value)
        if (offset >= 0 && captures !== null) {
          captures.count = 0
          captures.offset = offset
        }
        return offset >= 0
      },
      gate: { requirement: null, byteMasks: [HIGH_BYTES], minLength: 1 },
    }),
  compileDynamic: () => null,
}

const HIGH_BYTES = emptySet()
addRange(HIGH_BYTES, 0x80, 0xff)

/** Offset of the first character that is not UTF-8, -1 when all are. */
function invalidOffset(value: string): number {
  let index = 0
  while (index < value.length) {
    const first = value.charCodeAt(index)
    if (first < 0x80) {
      index += 1
      continue
    }
    const length = characterLength(first, value.charCodeAt(index + 1))
    if (length === 0) return index
    for (let at = 2; at < length; at += 1) {
      // NaN past the end is no continuation byte either.
      if ((value.charCodeAt(index + at) & 0xc0) !== 0x80) return index
    }
    index += length
  }
  return -1
}

/** Bytes of a character by its first two, after the table in RFC 3629 section 4; 0 when invalid. */
function characterLength(first: number, second: number): number {
  if ((second & 0xc0) !== 0x80) return 0
  if (first >= 0xc2 && first <= 0xdf) return 2
  if (first >= 0xe0 && first <= 0xef) {
    if (first === 0xe0 && second < 0xa0) return 0
    return first === 0xed && second > 0x9f ? 0 : 3
  }
  if (first >= 0xf0 && first <= 0xf4) {
    if (first === 0xf0 && second < 0x90) return 0
    return first === 0xf4 && second > 0x8f ? 0 : 4
  }
  return 0
}
