import type { Transformation } from './transformation.ts'

/** `t:length`: how many bytes the value has, in decimal. */
export const length: Transformation = {
  name: 'length',
  apply: (value) => String(value.length),
  triggerBytes: null,
}
