import * as T from './sql-token.ts'

/** Tokens that are folded, of which `left` are settled and `count` are there. */
export interface Folding {
  readonly tokens: readonly T.SqlToken[]
  left: number
  count: number
}

/** Folds the three tokens after the settled ones; false when nothing applies. */
export function foldThree(folding: Folding): boolean {
  const { tokens, left } = folding
  const a = tokens[left]
  const b = tokens[left + 1]
  const c = tokens[left + 2]
  if (isExpression(a, b, c)) return drop(folding, 2)
  if (
    (a.type === T.EXPRESSION || a.type === T.GROUP || a.type === T.COMMA) &&
    b.isUnary() &&
    c.type === T.LEFT_PARENTHESIS
  ) {
    b.copy(c)
    return drop(folding, 1)
  }
  if (
    (a.type === T.KEYWORD || a.type === T.EXPRESSION || a.type === T.GROUP) &&
    b.isUnary() &&
    (isValue(c) || c.type === T.FUNCTION)
  ) {
    b.copy(c)
    return drop(folding, 1)
  }
  if (a.type === T.COMMA && b.isUnary() && isValue(c)) {
    // `1,-1` is `1`: one more token is taken back, so that the comma's fold is tried again.
    b.copy(c)
    return drop(folding, 3)
  }
  if (a.type === T.COMMA && b.isUnary() && c.type === T.FUNCTION) {
    b.copy(c)
    return drop(folding, 1)
  }
  if (a.type === T.BAREWORD && b.type === T.DOT && c.type === T.BAREWORD) return drop(folding, 2)
  if (a.type === T.EXPRESSION && b.type === T.DOT && c.type === T.BAREWORD) {
    b.copy(c)
    return drop(folding, 1)
  }
  // USER() takes no arguments; USER(foo) is no call.
  if (
    a.type === T.FUNCTION &&
    b.type === T.LEFT_PARENTHESIS &&
    c.type !== T.RIGHT_PARENTHESIS &&
    a.isWord('USER')
  ) {
    a.type = T.BAREWORD
  }
  return false
}

/** Three tokens that are as good as the first alone. */
function isExpression(a: T.SqlToken, b: T.SqlToken, c: T.SqlToken): boolean {
  if (a.type === T.OPERATOR && b.type !== T.LEFT_PARENTHESIS && c.type === T.OPERATOR) return true
  if (a.type === T.LOGIC_OPERATOR && c.type === T.LOGIC_OPERATOR) return true
  if (b.type === T.COMMA) return isValue(a) && isValue(c)
  if (b.type !== T.OPERATOR) return false
  const isPlain = c.type === T.NUMBER || c.type === T.BAREWORD
  if ((a.type === T.NUMBER || a.type === T.BAREWORD) && isPlain) return true
  if (a.type === T.VARIABLE && (isPlain || c.type === T.VARIABLE)) return true
  return isValue(a) && c.type === T.SQL_TYPE && b.isWord('::')
}

function isValue({ type }: T.SqlToken): boolean {
  return type === T.NUMBER || type === T.BAREWORD || type === T.VARIABLE || type === T.STRING
}

function drop(folding: Folding, tokens: number): true {
  folding.count -= tokens
  folding.left = 0
  return true
}
