import type { Node } from './ast.ts'
import { type Cursor, isDigit } from './cursor.ts'
import type { Parser } from './parser.ts'

const NAME = /^[A-Za-z_][A-Za-z0-9_]{0,127}$/

/** Reads a group name up to `terminator`. */
export function parseName(cursor: Cursor, terminator: string): string {
  const start = cursor.offset
  const name = cursor.until(terminator, 'the group name')
  if (!NAME.test(name)) cursor.fail('PCRE_SYNTAX', `"${name}" is not a group name`, start)
  return name
}

/**
 * Reads a backreference; the cursor stands after the backslash. Null when it is something else.
 * ```
 * reference := digit+ | 'g' ('-'? digit+ | '{' '-'? digit+ '}' | '{' name '}')
 *            | 'k' ('<' name '>' | "'" name "'" | '{' name '}')
 * ```
 * As in PCRE, `\10` and above are octal unless that many groups have been opened.
 */
export function parseReference(parser: Parser, start: number): Node | null {
  const { cursor, groups } = parser
  const letter = cursor.peek()
  if (letter === 'k') {
    cursor.offset += 1
    const opener = "<'{".indexOf(cursor.peek() || ' ')
    if (opener < 0) cursor.fail('PCRE_SYNTAX', '\\k is not followed by a name', start)
    cursor.offset += 1
    return groups.refer(parseName(cursor, ">'}".charAt(opener)), cursor.ignoreCase, start)
  }
  if (letter === 'g') {
    cursor.offset += 1
    return groups.refer(parseTarget(parser, start), cursor.ignoreCase, start)
  }
  if (!isDigit(letter.charCodeAt(0)) || letter === '0') return null
  const before = cursor.offset
  const number = cursor.number()
  if (number >= 10 && number > groups.count) {
    cursor.offset = before
    return null
  }
  return groups.refer(number, cursor.ignoreCase, start)
}

function parseTarget(parser: Parser, start: number): number | string {
  const { cursor, groups } = parser
  if (cursor.peek() === '<' || cursor.peek() === "'") {
    cursor.fail('PCRE_UNSUPPORTED', 'calls of a group (\\g<...>) are not supported', start)
  }
  const braced = cursor.eat('{')
  const relative = cursor.eat('-')
  const number = cursor.number()
  if (number < 0) {
    if (!braced || relative) cursor.fail('PCRE_SYNTAX', '\\g is not followed by a group', start)
    return parseName(cursor, '}')
  }
  if (braced && !cursor.eat('}')) cursor.fail('PCRE_SYNTAX', 'missing } after \\g{', start)
  return relative ? groups.count + 1 - number : number
}
