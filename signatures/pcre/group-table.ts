import type { Ast, Node } from './ast.ts'
import type { Cursor } from './cursor.ts'

interface PendingReference {
  /** The node's group is filled in when all groups are known. */
  readonly node: { kind: 'backreference'; group: number; fold: boolean }
  readonly target: number | string
  readonly offset: number
}

interface PendingCondition {
  readonly node: { condition: number }
  readonly target: number | string
  readonly offset: number
}

/** Groups of a pattern and what refers to them; a reference may come before its group. */
export class GroupTable {
  readonly names = new Map<string, number>()
  readonly #references: PendingReference[] = []
  readonly #conditions: PendingCondition[] = []
  count = 0

  /** Number for a capturing group that starts here. */
  open(name: string | null, cursor: Cursor, offset: number): number {
    this.count += 1
    if (name !== null) {
      if (this.names.has(name)) {
        cursor.fail('PCRE_SYNTAX', `two groups are named ${name}`, offset)
      }
      this.names.set(name, this.count)
    }
    return this.count
  }

  refer(target: number | string, fold: boolean, offset: number): Node {
    const node = { kind: 'backreference' as const, group: 0, fold }
    this.#references.push({ node, target, offset })
    return node
  }

  condition(node: { condition: number }, target: number | string, offset: number): void {
    this.#conditions.push({ node, target, offset })
  }

  /** Fills in every reference; one to a group that does not exist is an error. */
  resolve(root: Node, cursor: Cursor): Ast {
    for (const { node, target, offset } of this.#references) {
      node.group = this.#find(target, cursor, offset)
    }
    for (const { node, target, offset } of this.#conditions) {
      node.condition = this.#find(target, cursor, offset)
    }
    return { root, groupCount: this.count, groupNames: this.names }
  }

  #find(target: number | string, cursor: Cursor, offset: number): number {
    const group = typeof target === 'number' ? target : this.names.get(target)
    if (group === undefined || group < 1 || group > this.count) {
      cursor.fail('PCRE_UNKNOWN_GROUP', `there is no group ${target}`, offset)
    }
    return group
  }
}
