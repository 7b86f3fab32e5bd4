import { type Transformation, triggers } from './transformation.ts'

/** `t:removeNulls`: NUL bytes are left out. */
export const removeNulls: Transformation = {
  name: 'removeNulls',
  apply: (value) => (value.includes('\0') ? value.replaceAll('\0', '') : value),
  triggerBytes: triggers('\0'),
}
