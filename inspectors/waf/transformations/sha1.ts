import { hash } from 'node:crypto'
import type { Transformation } from './transformation.ts'

/** `t:sha1`: the twenty raw bytes; `t:hexEncode` makes them readable. */
export const sha1: Transformation = {
  name: 'sha1',
  apply: (value) => hash('sha1', Buffer.from(value, 'latin1'), 'binary'),
  triggerBytes: null,
}
