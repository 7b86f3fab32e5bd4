import { isSpace } from './byte-classes.ts'
import { type Transformation, triggers } from './transformation.ts'

/** `t:trimLeft`: white space at the beginning is left out. */
export const trimLeft: Transformation = {
  name: 'trimLeft',
  apply: trimLeftOf,
  triggerBytes: triggers(' ', [9, 13]),
}

export function trimLeftOf(value: string): string {
  let start = 0
  while (start < value.length && isSpace(value.charCodeAt(start))) start += 1
  return start === 0 ? value : value.slice(start)
}
