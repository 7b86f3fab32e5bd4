import type { Node } from './ast.ts'
import { addByte, addSet, emptySet, hasByte } from './byte-set.ts'
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

/** @returns masks, most selective first; every one must share a byte with a value that matches */
export function byteMasksOf(root: Node): ByteSet[] {
  const masks = masksOf(root)
  return rank(masks, MAX_MASKS).filter((mask) => weight(mask) <= MAX_WEIGHT)
}

function masksOf(node: Node): ByteSet[] {
  switch (node.kind) {
    case 'byte': {
      const mask = emptySet()
      addByte(mask, node.byte)
      if (node.fold) addByte(mask, node.byte ^ 0x20)
      return [mask]
    }
    case 'set':
      return [node.set]
    case 'sequence':
      return rank(node.items.flatMap(masksOf), MAX_NODE_MASKS)
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

function unionOf(branches: readonly Node[]): ByteSet[] {
  const union = emptySet()
  for (const branch of branches) {
    const best = rank(masksOf(branch), 1)[0]
    if (best === undefined) return []
    addSet(union, best)
  }
  return [union]
}

function rank(masks: readonly ByteSet[], count: number): ByteSet[] {
  if (masks.length <= 1) return [...masks]
  const distinct = new Map<string, { mask: ByteSet; weight: number }>()
  for (const mask of masks) {
    const key = mask.join()
    if (!distinct.has(key)) distinct.set(key, { mask, weight: weight(mask) })
  }
  return [...distinct.values()]
    .sort((left, right) => left.weight - right.weight)
    .slice(0, count)
    .map((entry) => entry.mask)
}

/**
 * How likely an ordinary value has a byte of the mask, in no unit: letters and digits of short fields
 * are common, punctuation rare, control bytes and those over 127 rarer still.
 */
function weight(mask: ByteSet): number {
  let sum = 0
  for (let byte = 0; byte < 256; byte += 1) if (hasByte(mask, byte)) sum += WEIGHTS[byte]
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
