import { type Transformation, triggers } from './transformation.ts'
import { trimLeftOf } from './trim-left.ts'
import { trimRightOf } from './trim-right.ts'

/** `t:trim`: white space at both ends is left out. */
export const trim: Transformation = {
  name: 'trim',
  apply: (value) => trimRightOf(trimLeftOf(value)),
  triggerBytes: triggers(' ', [9, 13]),
}
