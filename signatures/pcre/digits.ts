import { type Ast, type Node, someNode } from './ast.ts'
import { hasByte } from './byte-set.ts'

const FIRST_DIGIT = 0x30
const LAST_DIGIT = 0x39

/**
 * True when a pattern may match a text and not another one that has some other digit in place of a digit. Otherwise
 * the digits are all alike to it: each of its classes holds all or none of them, and it compares no text with itself.
 */
export function tellsDigitsApart({ root }: Ast): boolean {
  return someNode(root, isParticular)
}

function isParticular(node: Node): boolean {
  if (node.kind === 'backreference') return true
  if (node.kind === 'byte') return node.byte >= FIRST_DIGIT && node.byte <= LAST_DIGIT
  if (node.kind !== 'set') return false
  let held = 0
  for (let byte = FIRST_DIGIT; byte <= LAST_DIGIT; byte += 1) if (hasByte(node.set, byte)) held += 1
  return held > 0 && held <= LAST_DIGIT - FIRST_DIGIT
}
