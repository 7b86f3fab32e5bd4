import type { Node } from './ast.ts'

/** Fewest and most bytes that a node can consume; `max` is Infinity where nothing bounds it. */
export interface Extent {
  readonly min: number
  readonly max: number
}

const NOTHING: Extent = { min: 0, max: 0 }
const ONE: Extent = { min: 1, max: 1 }

export function extentOf(node: Node): Extent {
  switch (node.kind) {
    case 'byte':
    case 'set':
      return ONE
    case 'sequence': {
      let min = 0
      let max = 0
      for (const item of node.items) {
        const extent = extentOf(item)
        min += extent.min
        max += extent.max
      }
      return { min, max }
    }
    case 'alternation': {
      let min = Infinity
      let max = 0
      for (const item of node.items) {
        const extent = extentOf(item)
        min = Math.min(min, extent.min)
        max = Math.max(max, extent.max)
      }
      return { min, max }
    }
    case 'repeat': {
      const extent = extentOf(node.item)
      // 0 times infinity is NaN: an item that consumes nothing does so however often.
      const max = extent.max === 0 ? 0 : extent.max * node.max
      return { min: extent.min * node.min, max }
    }
    case 'group':
    case 'atomic':
      return extentOf(node.item)
    case 'conditional': {
      const yes = extentOf(node.yes)
      const no = extentOf(node.no)
      return { min: Math.min(yes.min, no.min), max: Math.max(yes.max, no.max) }
    }
    case 'backreference':
      return { min: 0, max: Infinity }
    case 'look':
    case 'assertion':
      return NOTHING
  }
}

/** `extentOf(node).min`, which is asked for often. */
export function minLengthOf(node: Node): number {
  switch (node.kind) {
    case 'byte':
    case 'set':
      return 1
    case 'sequence':
      return node.items.reduce((sum, item) => sum + minLengthOf(item), 0)
    case 'alternation':
      return node.items.reduce((least, item) => Math.min(least, minLengthOf(item)), Infinity)
    case 'repeat':
      return node.min === 0 ? 0 : minLengthOf(node.item) * node.min
    case 'group':
    case 'atomic':
      return minLengthOf(node.item)
    case 'conditional':
      return Math.min(minLengthOf(node.yes), minLengthOf(node.no))
    case 'backreference':
    case 'look':
    case 'assertion':
      return 0
  }
}

/** True when no match can start anywhere but at offset 0. */
export function isAnchoredAtStart(node: Node): boolean {
  switch (node.kind) {
    case 'assertion':
      return node.assertion === 'textStart'
    case 'sequence':
      for (const item of node.items) {
        if (isAnchoredAtStart(item)) return true
        if (extentOf(item).max > 0) return false
      }
      return false
    case 'alternation':
      return node.items.every(isAnchoredAtStart)
    case 'repeat':
      return node.min > 0 && isAnchoredAtStart(node.item)
    case 'group':
    case 'atomic':
      return isAnchoredAtStart(node.item)
    case 'conditional':
      return isAnchoredAtStart(node.yes) && isAnchoredAtStart(node.no)
    case 'byte':
    case 'set':
    case 'look':
    case 'backreference':
      return false
  }
}
