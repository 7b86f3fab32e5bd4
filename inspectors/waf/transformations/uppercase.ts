import { reserve, take } from './byte-writer.ts'
import { type Transformation, triggers } from './transformation.ts'

/** `t:uppercase`: ASCII letters only. */
export const uppercase: Transformation = {
  name: 'uppercase',
  apply: upper,
  triggerBytes: triggers('', [0x61, 0x7a]),
}

function upper(value: string): string {
  let isChanged = false
  const out = reserve(value.length)
  for (let index = 0; index < value.length; index += 1) {
    const code = value.charCodeAt(index)
    const isLower = code >= 0x61 && code <= 0x7a
    out[index] = isLower ? code - 0x20 : code
    isChanged ||= isLower
  }
  return isChanged ? take(value.length) : value
}
