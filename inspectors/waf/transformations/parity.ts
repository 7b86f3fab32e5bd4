import { reserve, take } from './byte-writer.ts'
import type { Transformation } from './transformation.ts'

/** `t:parityEven7bit`: the eighth bit makes the number of ones even. */
export const parityEven7bit: Transformation = ofTable('parityEven7bit', (ones) => ones % 2 === 1)

/** `t:parityOdd7bit`: the eighth bit makes the number of ones odd. */
export const parityOdd7bit: Transformation = ofTable('parityOdd7bit', (ones) => ones % 2 === 0)

/** `t:parityZero7bit`: the eighth bit is cleared. */
export const parityZero7bit: Transformation = ofTable('parityZero7bit', () => false)

/**
 * As in ModSecurity the eighth bit of the byte as it comes counts among the ones for even and odd.
 */
function ofTable(name: string, hasHighBit: (ones: number) => boolean): Transformation {
  const table = new Uint8Array(256)
  const triggerBytes = new Uint8Array(256)
  for (let byte = 0; byte < 256; byte += 1) {
    let ones = 0
    for (let bits = byte; bits !== 0; bits &= bits - 1) ones += 1
    table[byte] = hasHighBit(ones) ? byte | 0x80 : byte & 0x7f
    triggerBytes[byte] = table[byte] === byte ? 0 : 1
  }
  const apply = (value: string): string => {
    const out = reserve(value.length)
    let isChanged = false
    for (let index = 0; index < value.length; index += 1) {
      const byte = value.charCodeAt(index)
      out[index] = table[byte]
      isChanged ||= table[byte] !== byte
    }
    return isChanged ? take(value.length) : value
  }
  return { name, apply, triggerBytes }
}
