import { isSpace } from './byte-classes.ts'
import { reserve, takeUnlessSame } from './byte-writer.ts'
import { type Transformation, triggers } from './transformation.ts'

/** `t:compressWhitespace`: runs of white space, 0xA0 counted in, become one space. */
export const compressWhitespace: Transformation = {
  name: 'compressWhitespace',
  apply: compress,
  triggerBytes: triggers(' \xa0', [9, 13]),
}

function compress(value: string): string {
  const out = reserve(value.length)
  let length = 0
  let isInside = false
  for (let index = 0; index < value.length; index += 1) {
    const code = value.charCodeAt(index)
    if (!isSpace(code) && code !== 0xa0) {
      out[length++] = code
      isInside = false
    } else if (!isInside) {
      out[length++] = 0x20
      isInside = true
    }
  }
  return takeUnlessSame(length, value)
}
