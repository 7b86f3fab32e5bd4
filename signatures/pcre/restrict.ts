import { alternation, type Ast, EMPTY, type Node, sequence, someNode } from './ast.ts'
import { addRange, emptySet, hasByte } from './byte-set.ts'
import { type ByteSet, intersects } from './gate.ts'

/**
 * The bytes of plain text: letters, digits, what separates words in prose, names, numbers, dates and paths,
 * and everything over 127. Left out is what shells, query languages and markup give a meaning.
 *
 * Most values of most requests are plain. For them a pattern shrinks: a class keeps the bytes that can
 * occur, a branch that needs another byte is gone, an optional part that needs one is empty. Of the patterns
 * that look for commands with quotes, backslashes and variables strewn in, the commands are left, which can
 * be looked for as literals; many patterns have no plain match at all.
 */
export const PLAIN_BYTES: ByteSet = plainBytes(' _-.,:/@')

function plainBytes(separators: string): ByteSet {
  const set = emptySet()
  addRange(set, 0x30, 0x39)
  addRange(set, 0x41, 0x5a)
  addRange(set, 0x61, 0x7a)
  addRange(set, 0x80, 0xff)
  for (const separator of separators) {
    addRange(set, separator.charCodeAt(0), separator.charCodeAt(0))
  }
  return set
}

const PLAIN = Uint8Array.from({ length: 256 }, (_, byte) => (hasByte(PLAIN_BYTES, byte) ? 1 : 0))

/** True when all bytes of a latin1 value are plain. */
export function isPlain(valueLatin1: string): boolean {
  for (let index = 0; index < valueLatin1.length; index += 1) {
    if (PLAIN[valueLatin1.charCodeAt(index)] === 0) return false
  }
  return true
}

/**
 * The pattern that matches the same as this one wherever all bytes of the value are plain; null when it
 * matches no such value. Groups that are gone count as those that took no part, so patterns that refer to
 * groups stay whole.
 */
export function restrictToPlain(ast: Ast): Node | null {
  const refers = (node: Node): boolean =>
    node.kind === 'backreference' || node.kind === 'conditional'
  return someNode(ast.root, refers) ? ast.root : restricted(ast.root)
}

function restricted(node: Node): Node | null {
  switch (node.kind) {
    case 'byte':
      return isKept(node.byte) || (node.fold && isKept(node.byte ^ 0x20)) ? node : null
    case 'set':
      return restrictedSet(node.set, node)
    case 'sequence': {
      const items: Node[] = []
      let isWhole = true
      for (const item of node.items) {
        const kept = restricted(item)
        if (kept === null) return null
        if (kept !== item) isWhole = false
        if (kept.kind === 'sequence') items.push(...kept.items)
        else items.push(kept)
      }
      return isWhole ? node : sequence(items)
    }
    case 'alternation': {
      const items = node.items.map(restricted).filter((item) => item !== null)
      if (items.length === 0) return null
      const isWhole =
        items.length === node.items.length && items.every((item, at) => item === node.items[at])
      return isWhole ? node : alternation(items)
    }
    case 'repeat': {
      const item = restricted(node.item)
      if (item !== null) return item === node.item ? node : { ...node, item }
      return node.min === 0 ? EMPTY : null
    }
    case 'group':
    case 'atomic': {
      const item = restricted(node.item)
      if (item === null) return null
      return item === node.item ? node : { ...node, item }
    }
    case 'look': {
      const item = restricted(node.item)
      if (item !== null) return item === node.item ? node : { ...node, item }
      return node.negative ? EMPTY : null
    }
    case 'assertion':
    case 'backreference':
    case 'conditional':
      return node
  }
}

function isKept(byte: number): boolean {
  return hasByte(PLAIN_BYTES, byte)
}

function restrictedSet(set: ByteSet, node: Node): Node | null {
  if (!intersects(set, PLAIN_BYTES)) return null
  const kept = emptySet()
  let isWhole = true
  for (let word = 0; word < 8; word += 1) {
    kept[word] = set[word] & PLAIN_BYTES[word]
    if (kept[word] !== set[word]) isWhole = false
  }
  return isWhole ? node : { kind: 'set', set: kept }
}
