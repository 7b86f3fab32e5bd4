import type { Transformation } from './transformation.ts'

/** `t:hexEncode`: two lower-case digits for each byte. */
export const hexEncode: Transformation = {
  name: 'hexEncode',
  apply: (value) => (value === '' ? value : Buffer.from(value, 'latin1').toString('hex')),
  triggerBytes: null,
}
