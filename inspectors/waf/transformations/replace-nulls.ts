import { type Transformation, triggers } from './transformation.ts'

/** `t:replaceNulls`: each NUL byte becomes a space. */
export const replaceNulls: Transformation = {
  name: 'replaceNulls',
  apply: (value) => (value.includes('\0') ? value.replaceAll('\0', ' ') : value),
  triggerBytes: triggers('\0'),
}
