import { reserve, take } from './byte-writer.ts'
import { type Transformation, triggers } from './transformation.ts'

/** `t:lowercase`: ASCII letters only; bytes over 127 stay as they are. */
export const lowercase: Transformation = {
  name: 'lowercase',
  apply: lower,
  triggerBytes: triggers('', [0x41, 0x5a]),
}

function lower(value: string): string {
  let index = 0
  while (index < value.length && !isUpper(value.charCodeAt(index))) index += 1
  if (index === value.length) return value
  const out = reserve(value.length)
  for (let before = 0; before < index; before += 1) out[before] = value.charCodeAt(before)
  for (; index < value.length; index += 1) {
    const code = value.charCodeAt(index)
    out[index] = isUpper(code) ? code + 0x20 : code
  }
  return take(value.length)
}

function isUpper(code: number): boolean {
  return code >= 0x41 && code <= 0x5a
}
