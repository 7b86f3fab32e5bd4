import { hexByte, isHexDigit } from './byte-classes.ts'
import { blanksForPlus } from './blanks-for-plus.ts'
import { reserve, take } from './byte-writer.ts'
import { type Transformation, triggers } from './transformation.ts'

/** `t:urlDecode`: `%HH` and `+`. An invalid `%` stays. */
export const urlDecode: Transformation = {
  name: 'urlDecode',
  apply: decode,
  triggerBytes: triggers('%+'),
}

function decode(value: string): string {
  if (!value.includes('%')) return blanksForPlus(value)
  const out = reserve(value.length)
  let length = 0
  let isChanged = false
  for (let index = 0; index < value.length; index += 1) {
    const code = value.charCodeAt(index)
    if (code === 0x25 && index + 2 < value.length) {
      const high = value.charCodeAt(index + 1)
      const low = value.charCodeAt(index + 2)
      if (isHexDigit(high) && isHexDigit(low)) {
        out[length++] = hexByte(high, low)
        index += 2
        isChanged = true
        continue
      }
    }
    if (code === 0x2b) {
      out[length++] = 0x20
      isChanged = true
    } else out[length++] = code
  }
  return isChanged ? take(length) : value
}
