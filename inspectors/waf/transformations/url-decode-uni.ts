import { hexByte, isHexDigit, narrowCodePoint } from './byte-classes.ts'
import { blanksForPlus } from './blanks-for-plus.ts'
import { reserve, take } from './byte-writer.ts'
import { type Transformation, triggers } from './transformation.ts'
import { asciiBestFit } from './unicode-map.ts'

/**
 * `t:urlDecodeUni`: `%HH`, `+` and Microsoft's `%uHHHH`. Of a code point the low byte is kept, full-width
 * ASCII is made narrow. An invalid `%` stays, an invalid `%u` stays whole.
 */
export const urlDecodeUni: Transformation = {
  name: 'urlDecodeUni',
  apply: (value) => decode(value, false),
  triggerBytes: triggers('%+'),
}

/** The same where `SecUnicodeMapFile` names code page 20127: code points become their best fit in ASCII. */
export const urlDecodeUniMapped: Transformation = {
  name: 'urlDecodeUni',
  apply: (value) => decode(value, true),
  triggerBytes: triggers('%+'),
}

function decode(value: string, isMapped: boolean): string {
  if (!value.includes('%')) return blanksForPlus(value)
  const out = reserve(value.length)
  let length = 0
  let isChanged = false
  let index = 0
  while (index < value.length) {
    const code = value.charCodeAt(index)
    if (code === 0x2b) {
      out[length++] = 0x20
      index += 1
      isChanged = true
      continue
    }
    const consumed = code === 0x25 ? escapeLength(value, index) : 1
    if (consumed === 6) out[length++] = codePointByte(value, index, isMapped)
    else if (consumed === 3) {
      out[length++] = hexByte(value.charCodeAt(index + 1), value.charCodeAt(index + 2))
    } else {
      out[length++] = code
      if (consumed === 2) out[length++] = value.charCodeAt(index + 1)
    }
    if (consumed > 2) isChanged = true
    index += consumed
  }
  return isChanged ? take(length) : value
}

/** 6 for `%uHHHH`, 3 for `%HH`, 2 for an invalid `%u`, which is copied, 1 for an invalid `%`. */
function escapeLength(value: string, index: number): 1 | 2 | 3 | 6 {
  const next = value.charCodeAt(index + 1)
  if ((next | 0x20) === 0x75) {
    return index + 5 < value.length && areHexDigits(value, index + 2, index + 6) ? 6 : 2
  }
  return index + 2 < value.length && areHexDigits(value, index + 1, index + 3) ? 3 : 1
}

function areHexDigits(value: string, from: number, to: number): boolean {
  for (let index = from; index < to; index += 1) {
    if (!isHexDigit(value.charCodeAt(index))) return false
  }
  return true
}

function codePointByte(value: string, index: number, isMapped: boolean): number {
  const high1 = value.charCodeAt(index + 2)
  const high2 = value.charCodeAt(index + 3)
  const low = hexByte(value.charCodeAt(index + 4), value.charCodeAt(index + 5))
  if (isMapped) {
    const fit = asciiBestFit((hexByte(high1, high2) << 8) | low)
    if (fit >= 0) return fit
  }
  return narrowCodePoint(high1, high2, low)
}
