import { reserve, take } from './byte-writer.ts'
import { type Transformation, triggers } from './transformation.ts'

/** `t:removeCommentsChar`: leaves out the marks of comments, namely C and HTML ones, `--` and `#`. */
export const removeCommentsChar: Transformation = {
  name: 'removeCommentsChar',
  apply: remove,
  triggerBytes: triggers('*-#'),
}

function remove(value: string): string {
  const out = reserve(value.length)
  let length = 0
  let index = 0
  while (index < value.length) {
    const mark = markLength(value, index)
    if (mark === 0) {
      out[length++] = value.charCodeAt(index)
      index += 1
    } else index += mark
  }
  return length === value.length ? value : take(length)
}

function markLength(value: string, index: number): number {
  const next = value.charCodeAt(index + 1)
  switch (value.charCodeAt(index)) {
    case 0x23:
      return 1
    case 0x2f:
      return next === 0x2a ? 2 : 0
    case 0x2a:
      return next === 0x2f ? 2 : 0
    case 0x3c:
      return value.startsWith('<!--', index) ? 4 : 0
    case 0x2d:
      if (next !== 0x2d) return 0
      return value.charCodeAt(index + 2) === 0x3e ? 3 : 2
    default:
      return 0
  }
}
