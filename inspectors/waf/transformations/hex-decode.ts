import { hexByte } from './byte-classes.ts'
import { reserve, take } from './byte-writer.ts'
import type { Transformation } from './transformation.ts'

/** `t:hexDecode`: pairs of digits become bytes. As in ModSecurity other bytes are calculated with too. */
export const hexDecode: Transformation = { name: 'hexDecode', apply: decode, triggerBytes: null }

function decode(value: string): string {
  const length = value.length >> 1
  const out = reserve(length)
  for (let index = 0; index < length; index += 1) {
    out[index] = hexByte(value.charCodeAt(index * 2), value.charCodeAt(index * 2 + 1))
  }
  return length === value.length ? value : take(length)
}
