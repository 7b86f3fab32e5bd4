import { BASE64_VALUES } from './base64-decode.ts'
import { reserve, takeUnlessSame } from './byte-writer.ts'
import type { Transformation } from './transformation.ts'

/**
 * `t:base64DecodeExt`: forgiving, bytes that are not of the alphabet are skipped. A single `=` after the
 * first digit of a group makes the whole result empty; NUL ends the text.
 */
export const base64DecodeExt: Transformation = {
  name: 'base64DecodeExt',
  apply: decode,
  triggerBytes: null,
}

function decode(value: string): string {
  const out = reserve(value.length)
  let length = 0
  let bits = 0
  let digits = 0
  for (let index = 0; index < value.length; index += 1) {
    const code = value.charCodeAt(index)
    if (code === 0) break
    if (code === 0x3d) {
      if (digits % 4 === 1 && value.charCodeAt(index + 1) !== 0x3d) return ''
      continue
    }
    const digit = BASE64_VALUES[code]
    if (digit < 0) continue
    bits = ((bits << 6) | digit) & 0xffffff
    digits += 1
    const held = (digits % 4) * 6
    if (held === 0) out[length++] = bits & 0xff
    else if (held > 6) out[length++] = (bits >> (held - 8 * (digits % 4 === 2 ? 1 : 2))) & 0xff
  }
  return takeUnlessSame(length, value)
}
