import { type Transformation, triggers } from './transformation.ts'

/** `t:none`: no change. In a rule it also clears the transformations inherited from SecDefaultAction. */
export const none: Transformation = {
  name: 'none',
  apply: (value) => value,
  triggerBytes: triggers(''),
}
