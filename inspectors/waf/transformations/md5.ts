import { hash } from 'node:crypto'
import type { Transformation } from './transformation.ts'

/** `t:md5`: the sixteen raw bytes; `t:hexEncode` makes them readable. */
export const md5: Transformation = {
  name: 'md5',
  apply: (value) => hash('md5', Buffer.from(value, 'latin1'), 'binary'),
  triggerBytes: null,
}
