import { alternation, type Conditional, EMPTY, type Look, type Node } from './ast.ts'
import { isDigit } from './cursor.ts'
import { MAX_NESTING, type Parser } from './parser.ts'
import { parseName } from './parse-reference.ts'

/**
 * Reads a group; the cursor stands after `(`.
 * ```
 * group := '(' body | '(?:' body | '(?|' | '(?>' body | '(?=' body | '(?!' body | '(?<=' body | '(?<!' body
 *        | "(?P<name>" body | "(?<name>" body | "(?'name'" body | '(?P=name' | '(?P>name'
 *        | '(?(' condition ')' body | '(?' flags ')' | '(?' flags ':' body        then ')'
 * ```
 * Recursion, calls, branch reset, verbs and callouts are refused.
 *
 * @returns null for a flag setting
 */
export function parseGroup(parser: Parser, start: number): Node | null {
  const { cursor } = parser
  if (cursor.peek() === '*')
    cursor.fail('PCRE_UNSUPPORTED', 'verbs (*...) are not supported', start)
  if (!cursor.eat('?')) return capturing(parser, null, start)
  if (cursor.eat(':')) return body(parser, start)
  if (cursor.eat('>')) return { kind: 'atomic', item: body(parser, start) }
  if (cursor.eat('=')) return look(parser, 'ahead', false, start)
  if (cursor.eat('!')) return look(parser, 'ahead', true, start)
  if (cursor.eat('<=')) return look(parser, 'behind', false, start)
  if (cursor.eat('<!')) return look(parser, 'behind', true, start)
  if (cursor.eat('P<') || cursor.eat('<')) return capturing(parser, parseName(cursor, '>'), start)
  if (cursor.eat("'")) return capturing(parser, parseName(cursor, "'"), start)
  if (cursor.eat('P=')) {
    return parser.groups.refer(parseName(cursor, ')'), cursor.ignoreCase, start)
  }
  if (cursor.eat('(')) return conditional(parser, start)
  refuseCalls(parser, start)
  return flagSetting(parser, start)
}

function refuseCalls(parser: Parser, start: number): void {
  const { cursor } = parser
  const next = cursor.peek()
  const after = cursor.source.charCodeAt(cursor.offset + 1)
  if (next === '|') cursor.fail('PCRE_UNSUPPORTED', 'branch reset (?| is not supported', start)
  if (next === 'C') cursor.fail('PCRE_UNSUPPORTED', 'callouts (?C) are not supported', start)
  if (
    next === 'R' ||
    next === '&' ||
    cursor.startsWith('P>') ||
    isDigit(cursor.peekCode()) ||
    ((next === '+' || next === '-') && isDigit(after))
  ) {
    cursor.fail('PCRE_UNSUPPORTED', 'recursion and calls of a group are not supported', start)
  }
}

function capturing(parser: Parser, name: string | null, start: number): Node {
  const index = parser.groups.open(name, parser.cursor, start)
  return { kind: 'group', index, item: body(parser, start) }
}

function look(
  parser: Parser,
  direction: 'ahead' | 'behind',
  negative: boolean,
  start: number,
): Look {
  return { kind: 'look', direction, negative, item: body(parser, start) }
}

function body(parser: Parser, start: number): Node {
  return alternation(branchesOf(parser, start))
}

/** Reads up to the closing parenthesis; flags set inside end with the group. */
function branchesOf(parser: Parser, start: number): Node[] {
  const { cursor } = parser
  const { ignoreCase, dotAll, multiline, extended, ungreedy } = cursor
  parser.depth += 1
  if (parser.depth > MAX_NESTING) {
    cursor.fail('PCRE_TOO_LARGE', `groups are nested deeper than ${MAX_NESTING}`, start)
  }
  const branches = parser.branches()
  if (!cursor.eat(')')) cursor.fail('PCRE_SYNTAX', 'missing ) for this group', start)
  parser.depth -= 1
  Object.assign(cursor, { ignoreCase, dotAll, multiline, extended, ungreedy })
  return branches
}

/** The cursor stands after `(?(`. */
function conditional(parser: Parser, start: number): Node {
  const { cursor } = parser
  const condition = parseCondition(parser, start)
  const branches = branchesOf(parser, start)
  if (branches.length > 2) {
    cursor.fail('PCRE_SYNTAX', 'a conditional group has more than two branches', start)
  }
  const node: Conditional = {
    kind: 'conditional',
    condition: typeof condition === 'object' ? condition : 0,
    yes: branches[0] ?? EMPTY,
    no: branches[1] ?? EMPTY,
  }
  if (typeof condition !== 'object') {
    parser.groups.condition(node as { condition: number }, condition, start)
  }
  return node
}

function parseCondition(parser: Parser, start: number): Look | number | string {
  const { cursor } = parser
  if (cursor.eat('?=')) return look(parser, 'ahead', false, start)
  if (cursor.eat('?!')) return look(parser, 'ahead', true, start)
  if (cursor.eat('?<=')) return look(parser, 'behind', false, start)
  if (cursor.eat('?<!')) return look(parser, 'behind', true, start)
  const number = cursor.number()
  if (number >= 0) {
    if (!cursor.eat(')')) cursor.fail('PCRE_SYNTAX', 'missing ) after the condition', start)
    return number
  }
  if (cursor.eat('<')) return conditionName(parser, '>', start)
  if (cursor.eat("'")) return conditionName(parser, "'", start)
  const name = parseName(cursor, ')')
  if (name === 'DEFINE' || /^R(?:\d+|&.*)?$/.test(name)) {
    cursor.fail('PCRE_UNSUPPORTED', `the condition ${name} is not supported`, start)
  }
  return name
}

function conditionName(parser: Parser, closing: string, start: number): string {
  const name = parseName(parser.cursor, closing)
  if (!parser.cursor.eat(')')) {
    parser.cursor.fail('PCRE_SYNTAX', 'missing ) after the condition', start)
  }
  return name
}

/** `(?i)` holds to the end of the enclosing group, `(?i:...)` for its own. */
function flagSetting(parser: Parser, start: number): Node | null {
  const { cursor } = parser
  const { ignoreCase, dotAll, multiline, extended, ungreedy } = cursor
  let on = true
  if (cursor.eat('^')) {
    Object.assign(cursor, { ignoreCase: false, dotAll: false, multiline: false, extended: false })
  }
  for (;;) {
    const flag = cursor.peek()
    cursor.offset += 1
    switch (flag) {
      case '-':
        on = false
        break
      case 'i':
        cursor.ignoreCase = on
        break
      case 's':
        cursor.dotAll = on
        break
      case 'm':
        cursor.multiline = on
        break
      case 'x':
        cursor.extended = on
        break
      case 'U':
        cursor.ungreedy = on
        break
      case ')':
        return null
      case ':': {
        const item = body(parser, start)
        Object.assign(cursor, { ignoreCase, dotAll, multiline, extended, ungreedy })
        return item
      }
      default:
        return cursor.fail('PCRE_SYNTAX', `(?${flag} starts no group and is no flag`, start)
    }
  }
}
