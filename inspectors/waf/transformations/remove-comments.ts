import { reserve, take } from './byte-writer.ts'
import { type Transformation, triggers } from './transformation.ts'

/**
 * `t:removeComments`: leaves out C comments and HTML comments; `--` and `#` end the value.
 *
 * As in ModSecurity the byte after a comment's end is copied without being looked at (NUL where the
 * value ends there), either end closes either comment, and a comment without an end becomes a space.
 */
export const removeComments: Transformation = {
  name: 'removeComments',
  apply: remove,
  triggerBytes: triggers('*-#'),
}

function remove(value: string): string {
  const out = reserve(value.length + 2)
  let length = 0
  let index = 0
  let isInside = false
  let isChanged = false
  while (index < value.length) {
    const code = value.charCodeAt(index)
    if (isInside) {
      const closing = code === 0x2a && value.startsWith('*/', index) ? 2 : 0
      const ending = closing || (code === 0x2d && value.startsWith('-->', index) ? 3 : 0)
      if (ending === 0) {
        index += 1
        continue
      }
      isInside = false
      index += ending
      out[length++] = index < value.length ? value.charCodeAt(index) : 0
      index += 1
      continue
    }
    const opening = openingLength(value, index, code)
    if (opening > 0) {
      isInside = true
      isChanged = true
      index += opening
      continue
    }
    if (code === 0x23 || (code === 0x2d && value.charCodeAt(index + 1) === 0x2d)) {
      isChanged = true
      break
    }
    out[length++] = code
    index += 1
  }
  if (isInside) out[length++] = 0x20
  return isChanged ? take(length) : value
}

function openingLength(value: string, index: number, code: number): number {
  if (code === 0x2f && value.charCodeAt(index + 1) === 0x2a) return 2
  return code === 0x3c && value.startsWith('<!--', index) ? 4 : 0
}
