import { reserve, takeUnlessSame } from './byte-writer.ts'
import type { Transformation } from './transformation.ts'

/** `t:base64Decode`: decodes up to the first byte that is not of the alphabet. */
export const base64Decode: Transformation = {
  name: 'base64Decode',
  apply: decode,
  triggerBytes: null,
}

/** Value of a byte of the base64 alphabet, -1 for all others. */
export const BASE64_VALUES: Int8Array = base64Values()

function base64Values(): Int8Array {
  const values = new Int8Array(256).fill(-1)
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'
  for (let index = 0; index < alphabet.length; index += 1) {
    values[alphabet.charCodeAt(index)] = index
  }
  return values
}

function decode(value: string): string {
  const out = reserve(value.length)
  let length = 0
  let bits = 0
  let held = 0
  for (let index = 0; index < value.length; index += 1) {
    const digit = BASE64_VALUES[value.charCodeAt(index)]
    if (digit < 0) break
    bits = ((bits << 6) | digit) & 0xffff
    held += 6
    if (held >= 8) {
      held -= 8
      out[length++] = (bits >> held) & 0xff
    }
  }
  return takeUnlessSame(length, value)
}
