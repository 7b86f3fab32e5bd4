import type { Transformation } from './transformation.ts'

/** `t:base64Encode`: with padding, without line ends. */
export const base64Encode: Transformation = {
  name: 'base64Encode',
  apply: (value) => (value === '' ? value : Buffer.from(value, 'latin1').toString('base64')),
  triggerBytes: null,
}
