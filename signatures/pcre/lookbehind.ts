import type { Look, Node } from './ast.ts'
import { extentOf } from './extent.ts'

/**
 * PCRE's rule for lookbehind: each branch matches a fixed number of bytes, branches may differ.
 *
 * @returns true when some lookbehind breaks it
 */
export function hasVariableLookbehind(node: Node): boolean {
  switch (node.kind) {
    case 'look':
      return isVariable(node) || hasVariableLookbehind(node.item)
    case 'sequence':
    case 'alternation':
      return node.items.some(hasVariableLookbehind)
    case 'repeat':
    case 'group':
    case 'atomic':
      return hasVariableLookbehind(node.item)
    case 'conditional':
      return (
        (typeof node.condition === 'object' && hasVariableLookbehind(node.condition)) ||
        hasVariableLookbehind(node.yes) ||
        hasVariableLookbehind(node.no)
      )
    case 'byte':
    case 'set':
    case 'assertion':
    case 'backreference':
      return false
  }
}

function isVariable(look: Look): boolean {
  if (look.direction === 'ahead') return false
  const branches = look.item.kind === 'alternation' ? look.item.items : [look.item]
  return branches.some((branch) => {
    const extent = extentOf(branch)
    return extent.min !== extent.max
  })
}
