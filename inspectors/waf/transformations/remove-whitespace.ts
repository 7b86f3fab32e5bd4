import { isSpace } from './byte-classes.ts'
import { reserve, take } from './byte-writer.ts'
import { type Transformation, triggers } from './transformation.ts'

/** `t:removeWhitespace`: white space is left out, 0xA0 counted in. */
export const removeWhitespace: Transformation = {
  name: 'removeWhitespace',
  apply: remove,
  triggerBytes: triggers(' \xa0', [9, 13]),
}

function remove(value: string): string {
  const out = reserve(value.length)
  let length = 0
  for (let index = 0; index < value.length; index += 1) {
    const code = value.charCodeAt(index)
    if (!isSpace(code) && code !== 0xa0) out[length++] = code
  }
  return length === value.length ? value : take(length)
}
