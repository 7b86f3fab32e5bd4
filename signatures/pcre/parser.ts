import type { Node } from './ast.ts'
import type { Cursor } from './cursor.ts'
import type { GroupTable } from './group-table.ts'

/** Deepest nesting of groups, PCRE's own limit; the recursion of every pass over the tree has it. */
export const MAX_NESTING = 250

/** What the functions that parse one pattern hand to each other. */
export interface Parser {
  readonly cursor: Cursor
  readonly groups: GroupTable
  /** Groups that are open. */
  depth: number
  /** Reads branches up to `)` or the end. */
  readonly branches: () => Node[]
}
