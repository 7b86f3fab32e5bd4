import { type Ast, alternation, EMPTY, type Node, sequence } from './ast.ts'
import { ANY_BYTE, NOT_NEWLINE } from './byte-set.ts'
import { Cursor, isDigit } from './cursor.ts'
import type { PatternOptions } from './pattern.ts'
import { parseClass } from './parse-class.ts'
import { parseEscape } from './parse-escape.ts'
import { byteNode, NEWLINE_SEQUENCE } from './parse-nodes.ts'
import { parseGroup } from './parse-group.ts'
import type { Parser } from './parser.ts'
import { parseReference } from './parse-reference.ts'
import { GroupTable } from './group-table.ts'

/** Largest count in a repeat, PCRE's own limit. */
const MAX_REPEAT = 65_535

/**
 * Parses a pattern in the dialect of PCRE, without UTF mode:
 * ```
 * pattern := branch ('|' branch)*
 * branch  := (atom quantifier?)*
 * quantifier := ('*' | '+' | '?' | '{' n '}' | '{' n ',' '}' | '{' n ',' m '}') ('?' | '+')?
 * atom    := '.' | '^' | '$' | class | group | '\' escape | '\Q' text '\E' | byte
 * ```
 * @throws PatternSyntaxError
 */
export function parsePattern(source: string, options: PatternOptions): Ast {
  const cursor = new Cursor(source, {
    ignoreCase: options.ignoreCase ?? false,
    dotAll: options.dotAll ?? false,
    multiline: options.multiline ?? false,
    extended: options.extended ?? false,
    ungreedy: options.ungreedy ?? false,
    dollarEndOnly: options.dollarEndOnly ?? false,
  })
  const parser: Parser = {
    cursor,
    groups: new GroupTable(),
    depth: 0,
    branches: () => parseBranches(parser),
  }
  if (source.startsWith('(*')) cursor.fail('PCRE_UNSUPPORTED', 'verbs (*...) are not supported', 0)
  const root = alternation(parseBranches(parser))
  if (!cursor.atEnd) cursor.fail('PCRE_SYNTAX', 'unmatched )')
  return parser.groups.resolve(root, cursor)
}

/** Flags set in a branch hold in those after it, to the end of the group. */
function parseBranches(parser: Parser): Node[] {
  const branches = [parseBranch(parser)]
  while (parser.cursor.eat('|')) branches.push(parseBranch(parser))
  return branches
}

function parseBranch(parser: Parser): Node {
  const { cursor } = parser
  const items: Node[] = []
  for (;;) {
    if (cursor.extended && skipBlank(cursor)) continue
    if (cursor.atEnd) break
    const next = cursor.peek()
    if (next === '|' || next === ')') break
    if (cursor.startsWith('(?#')) {
      cursor.until(')', '(?#')
      continue
    }
    if (cursor.startsWith('\\Q')) {
      quotedText(parser, items)
      continue
    }
    if (cursor.eat('\\E')) continue
    const start = cursor.offset
    const atom = parseAtom(parser, start)
    if (atom !== null) items.push(parseQuantifiers(cursor, atom))
  }
  return sequence(items)
}

/** Extended mode: white space and comments to the end of the line. */
function skipBlank(cursor: Cursor): boolean {
  const code = cursor.peekCode()
  if (code === 0x20 || (code >= 9 && code <= 13)) {
    cursor.offset += 1
    return true
  }
  if (code !== 0x23) return false
  const newline = cursor.source.indexOf('\n', cursor.offset)
  cursor.offset = newline < 0 ? cursor.source.length : newline + 1
  return true
}

/** A quantifier after `\E` belongs to the last quoted byte. */
function quotedText(parser: Parser, items: Node[]): void {
  const { cursor } = parser
  cursor.offset += 2
  const end = cursor.source.indexOf('\\E', cursor.offset)
  const stop = end < 0 ? cursor.source.length : end
  for (; cursor.offset < stop; cursor.offset += 1) {
    items.push(byteNode(cursor.peekCode(), cursor.ignoreCase))
  }
  if (end < 0) return
  cursor.offset += 2
  const last = items.pop()
  if (last !== undefined) items.push(parseQuantifiers(cursor, last))
}

/** One atom; null for a flag setting, which matches nothing. */
function parseAtom(parser: Parser, start: number): Node | null {
  const { cursor } = parser
  const character = cursor.peek()
  cursor.offset += 1
  switch (character) {
    case '.':
      return { kind: 'set', set: cursor.dotAll ? ANY_BYTE : NOT_NEWLINE }
    case '^':
      return { kind: 'assertion', assertion: cursor.multiline ? 'lineStart' : 'textStart' }
    case '$':
      return { kind: 'assertion', assertion: dollar(cursor) }
    case '[':
      return { kind: 'set', set: parseClass(cursor) }
    case '(':
      return parseGroup(parser, start)
    case '\\':
      return parseBackslash(parser, start)
    case '*':
    case '+':
    case '?':
      return cursor.fail('PCRE_SYNTAX', `${character} has nothing to repeat`, start)
    default:
      return byteNode(character.charCodeAt(0), cursor.ignoreCase)
  }
}

function dollar(cursor: Cursor): 'lineEnd' | 'textEnd' | 'textEndOrNewline' {
  if (cursor.multiline) return 'lineEnd'
  return cursor.dollarEndOnly ? 'textEnd' : 'textEndOrNewline'
}

function parseBackslash(parser: Parser, start: number): Node {
  const { cursor } = parser
  const reference = parseReference(parser, start)
  if (reference !== null) return reference
  const letter = cursor.peek()
  switch (letter) {
    case 'A':
      return assertion(cursor, 'textStart')
    case 'z':
      return assertion(cursor, 'textEnd')
    case 'Z':
      return assertion(cursor, 'textEndOrNewline')
    case 'b':
      return assertion(cursor, 'wordBoundary')
    case 'B':
      return assertion(cursor, 'notWordBoundary')
    case 'N':
      cursor.offset += 1
      if (cursor.peek() === '{')
        cursor.fail('PCRE_UNSUPPORTED', '\\N{name} is not supported', start)
      return { kind: 'set', set: NOT_NEWLINE }
    case 'C':
      cursor.offset += 1
      return { kind: 'set', set: ANY_BYTE }
    case 'R':
      cursor.offset += 1
      return NEWLINE_SEQUENCE
    case 'G':
    case 'K':
      return cursor.fail('PCRE_UNSUPPORTED', `\\${letter} is not supported`, start)
    default: {
      const escape = parseEscape(cursor)
      return escape.kind === 'byte' ? byteNode(escape.byte, cursor.ignoreCase) : escape
    }
  }
}

function assertion(
  cursor: Cursor,
  name: 'textStart' | 'textEnd' | 'textEndOrNewline' | 'wordBoundary' | 'notWordBoundary',
): Node {
  cursor.offset += 1
  return { kind: 'assertion', assertion: name }
}

function parseQuantifiers(cursor: Cursor, atom: Node): Node {
  let item = atom
  for (;;) {
    if (cursor.extended && skipBlank(cursor)) continue
    const start = cursor.offset
    const bounds = parseBounds(cursor)
    if (bounds === null) return item
    if (item !== atom) cursor.fail('PCRE_SYNTAX', 'quantifier after a quantifier', start)
    const [min, max] = bounds
    if (min > MAX_REPEAT || (max > MAX_REPEAT && max !== Infinity)) {
      cursor.fail('PCRE_SYNTAX', `a repeat count is over ${MAX_REPEAT}`, start)
    }
    if (max < min) cursor.fail('PCRE_SYNTAX', 'repeat counts are out of order', start)
    let mode: 'greedy' | 'lazy' | 'possessive' = cursor.ungreedy ? 'lazy' : 'greedy'
    if (cursor.eat('+')) mode = 'possessive'
    else if (cursor.eat('?')) mode = cursor.ungreedy ? 'greedy' : 'lazy'
    if (max === 0) item = EMPTY
    else if (min === 1 && max === 1 && mode !== 'possessive')
      item = { kind: 'sequence', items: [atom] }
    else item = { kind: 'repeat', item: atom, min, max, mode }
  }
}

/** `{` that starts no valid count is a literal brace. */
function parseBounds(cursor: Cursor): readonly [number, number] | null {
  switch (cursor.peek()) {
    case '*':
      cursor.offset += 1
      return [0, Infinity]
    case '+':
      cursor.offset += 1
      return [1, Infinity]
    case '?':
      cursor.offset += 1
      return [0, 1]
    case '{':
      break
    default:
      return null
  }
  const start = cursor.offset
  cursor.offset += 1
  if (isDigit(cursor.peekCode())) {
    // Counts of more than nine digits read as MAX_SAFE_INTEGER so that they are refused as too large.
    const min = Math.min(cursor.number(), Number.MAX_SAFE_INTEGER)
    if (cursor.eat('}')) return [min, min]
    if (cursor.eat(',')) {
      if (cursor.eat('}')) return [min, Infinity]
      if (isDigit(cursor.peekCode())) {
        const max = Math.min(cursor.number(), Number.MAX_SAFE_INTEGER)
        if (cursor.eat('}')) return [min, max]
      }
    }
  }
  cursor.offset = start
  return null
}
