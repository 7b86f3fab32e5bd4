import type { ByteSet } from './gate.ts'

/** A parsed pattern: flags are resolved into the nodes, comments and quoting are gone. */
export type Node =
  /** One byte; `fold`: an ASCII letter in either case, `byte` being the lower one. */
  | { readonly kind: 'byte'; readonly byte: number; readonly fold: boolean }
  | { readonly kind: 'set'; readonly set: ByteSet }
  | { readonly kind: 'sequence'; readonly items: readonly Node[] }
  | { readonly kind: 'alternation'; readonly items: readonly Node[] }
  | Repeat
  /** Capturing group, numbered from 1. */
  | { readonly kind: 'group'; readonly index: number; readonly item: Node }
  | { readonly kind: 'atomic'; readonly item: Node }
  | Look
  | { readonly kind: 'backreference'; readonly group: number; readonly fold: boolean }
  | Conditional
  | { readonly kind: 'assertion'; readonly assertion: Assertion }

export interface Repeat {
  readonly kind: 'repeat'
  readonly item: Node
  readonly min: number
  /** Infinity when unbounded. */
  readonly max: number
  readonly mode: 'greedy' | 'lazy' | 'possessive'
}

export interface Look {
  readonly kind: 'look'
  readonly direction: 'ahead' | 'behind'
  readonly negative: boolean
  readonly item: Node
}

export interface Conditional {
  readonly kind: 'conditional'
  /** Number of a group that must have taken part, or a lookaround. */
  readonly condition: number | Look
  readonly yes: Node
  readonly no: Node
}

/**
 * `textEndOrNewline` is PCRE's default `$` and `\Z`: the end, or before a `\n` that ends the text.
 * `lineStart` is not met after a `\n` that ends the text.
 */
export type Assertion =
  | 'textStart'
  | 'textEnd'
  | 'textEndOrNewline'
  | 'lineStart'
  | 'lineEnd'
  | 'wordBoundary'
  | 'notWordBoundary'

export interface Ast {
  readonly root: Node
  readonly groupCount: number
  readonly groupNames: ReadonlyMap<string, number>
}

export const EMPTY: Node = { kind: 'sequence', items: [] }

/** A sequence, or its only item. */
export function sequence(items: readonly Node[]): Node {
  return items.length === 1 ? items[0] : { kind: 'sequence', items }
}

/** An alternation, or its only branch. */
export function alternation(items: readonly Node[]): Node {
  return items.length === 1 ? items[0] : { kind: 'alternation', items }
}

/**
 * Looks for a node, the root included.
 *
 * @returns true when the predicate holds for any node
 */
export function someNode(node: Node, holds: (node: Node) => boolean): boolean {
  if (holds(node)) return true
  switch (node.kind) {
    case 'byte':
    case 'set':
    case 'backreference':
    case 'assertion':
      return false
    case 'sequence':
    case 'alternation':
      return node.items.some((item) => someNode(item, holds))
    case 'repeat':
    case 'group':
    case 'atomic':
    case 'look':
      return someNode(node.item, holds)
    case 'conditional':
      return (
        (typeof node.condition !== 'number' && someNode(node.condition, holds)) ||
        someNode(node.yes, holds) ||
        someNode(node.no, holds)
      )
  }
}
