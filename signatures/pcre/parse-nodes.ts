import type { Node } from './ast.ts'
import { VERTICAL_SPACE } from './byte-set.ts'
import { isLetter } from './cursor.ts'

/** A literal byte, in either case when `ignoreCase` and it is an ASCII letter. */
export function byteNode(byte: number, ignoreCase: boolean): Node {
  const fold = ignoreCase && isLetter(byte)
  return { kind: 'byte', byte: fold ? byte | 0x20 : byte, fold }
}

/** `\R`: `(?>\r\n|\n|\x0b|\f|\r|\x85)`. */
export const NEWLINE_SEQUENCE: Node = {
  kind: 'atomic',
  item: {
    kind: 'alternation',
    items: [
      { kind: 'sequence', items: [byteNode(13, false), byteNode(10, false)] },
      { kind: 'set', set: VERTICAL_SPACE },
    ],
  },
}
