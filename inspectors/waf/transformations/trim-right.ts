import { isSpace } from './byte-classes.ts'
import { type Transformation, triggers } from './transformation.ts'

/** `t:trimRight`: white space at the end is left out. */
export const trimRight: Transformation = {
  name: 'trimRight',
  apply: trimRightOf,
  triggerBytes: triggers(' ', [9, 13]),
}

export function trimRightOf(value: string): string {
  let end = value.length
  while (end > 0 && isSpace(value.charCodeAt(end - 1))) end -= 1
  return end === value.length ? value : value.slice(0, end)
}
