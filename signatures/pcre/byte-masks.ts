import type { Node } from './ast.ts'
import { addByte, addSet, emptySet } from './byte-set.ts'
import type { ByteSet } from './gate.ts'

/**
 * Byte-presence masks of a pattern: sets of bytes of each of which a matching value has at least one.
 * A sequence needs the masks of all its items; an alternation needs the union of the best mask of each
 * branch, or none when a branch has none.
 */

/** Masks kept of a pattern, and of a node while they are collected. */
const MAX_MASKS = 3
const MAX_NODE_MASKS = 6
/** A mask that about every value meets is not worth its test. */
const MAX_WEIGHT = 400

interface Mask {
  readonly set: ByteSet
  readonly weight: number
}

/** @returns masks, most selective first; every one must share a byte with a value that matches */
export function byteMasksOf(root: Node): ByteSet[] {
  return masksOf(root)
    .slice(0, MAX_MASKS)
    .filter((mask) => mask.weight <= MAX_WEIGHT)
    .map((mask) => mask.set)
}

/** Lightest first, none twice, at most MAX_NODE_MASKS. Not to be changed by the caller. */
function masksOf(node: Node): readonly Mask[] {
  switch (node.kind) {
    case 'byte':
      return (node.fold ? ofBothCases : ofByte)(node.byte)
    case 'set':
      return [{ set: node.set, weight: weight(node.set) }]
    case 'sequence': {
      const best: Mask[] = []
      for (const item of node.items) for (const mask of masksOf(item)) insert(best, mask)
      return best
    }
    case 'alternation':
      return unionOf(node.items)
    case 'conditional':
      return unionOf([node.yes, node.no])
    case 'repeat':
      return node.min === 0 ? [] : masksOf(node.item)
    case 'group':
    case 'atomic':
      return masksOf(node.item)
    case 'look':
      return node.negative ? [] : masksOf(node.item)
    case 'assertion':
    case 'backreference':
      return []
  }
}

function unionOf(branches: readonly Node[]): readonly Mask[] {
  const union = emptySet()
  for (const branch of branches) {
    const best = masksOf(branch)[0]
    if (best === undefined) return []
    addSet(union, best.set)
  }
  return [{ set: union, weight: weight(union) }]
}

/** Keeps the list sorted by weight, those of equal weight in the order in which they came. */
function insert(best: Mask[], mask: Mask): void {
  if (best.length === MAX_NODE_MASKS && mask.weight >= best[best.length - 1].weight) return
  let at = best.length
  while (at > 0 && best[at - 1].weight >= mask.weight) {
    at -= 1
    if (best[at].weight === mask.weight && areEqual(best[at].set, mask.set)) return
  }
  while (at < best.length && best[at].weight <= mask.weight) at += 1
  best.splice(at, 0, mask)
  if (best.length > MAX_NODE_MASKS) best.pop()
}

function areEqual(left: ByteSet, right: ByteSet): boolean {
  if (left === right) return true
  for (let word = 0; word < left.length; word += 1) if (left[word] !== right[word]) return false
  return true
}

const ofByte = eachByte((byte) => [byte])
const ofBothCases = eachByte((byte) => [byte, byte ^ 0x20])

/** Patterns are mostly bytes: their masks are made once. */
function eachByte(
  bytesFor: (byte: number) => readonly number[],
): (byte: number) => readonly Mask[] {
  const made: (readonly Mask[] | undefined)[] = []
  return (byte) => {
    const known = made[byte]
    if (known !== undefined) return known
    const set = emptySet()
    for (const one of bytesFor(byte)) addByte(set, one)
    const masks = [{ set, weight: weight(set) }]
    made[byte] = masks
    return masks
  }
}

/**
 * How likely an ordinary value has a byte of the mask, in no unit: letters and digits of short fields
 * are common, punctuation rare, control bytes and those over 127 rarer still.
 */
function weight(mask: ByteSet): number {
  let sum = 0
  for (let word = 0; word < mask.length; word += 1) {
    for (let bits: number = mask[word]; bits !== 0; bits &= bits - 1) {
      sum += WEIGHTS[(word << 5) + 31 - Math.clz32(bits & -bits)]
    }
  }
  return sum
}

const WEIGHTS = byteWeights()

function byteWeights(): Uint8Array {
  const weights = new Uint8Array(256).fill(1)
  weights.fill(4, 0x21, 0x7f)
  weights.fill(20, 0x30, 0x3a)
  weights.fill(16, 0x41, 0x5b)
  weights.fill(20, 0x61, 0x7b)
  for (const common of 'etaoinsrlcd') weights[common.charCodeAt(0)] = 60
  for (const rare of 'jqxzkvwy') weights[rare.charCodeAt(0)] = 12
  for (const usual of ' -_./=&') weights[usual.charCodeAt(0)] = 25
  return weights
}
