import type { ByteSet } from './gate.ts'
import { ESCAPE_CLASSES } from './byte-set.ts'
import { type Cursor, hexValue, isDigit } from './cursor.ts'

/** What a backslash stands for where it may stand inside a class and outside. */
export type Escape =
  | { readonly kind: 'byte'; readonly byte: number }
  | { readonly kind: 'set'; readonly set: ByteSet }

/** Letters with the byte they stand for. */
const CONTROL: ReadonlyMap<string, number> = new Map([
  ['a', 7],
  ['e', 27],
  ['f', 12],
  ['n', 10],
  ['r', 13],
  ['t', 9],
])

/**
 * Reads what follows a backslash (the cursor stands after it):
 * ```
 * escape := 'x' hex{0,2} | 'x{' hex+ '}' | 'o{' octal+ '}' | octal{1,3} | 'c' char
 *         | [aefnrt] | [dDsSwWhHvV] | other        (itself)
 * ```
 * Values over 0xFF are refused: there is no UTF mode, text is bytes.
 */
export function parseEscape(cursor: Cursor): Escape {
  const start = cursor.offset - 1
  if (cursor.atEnd) cursor.fail('PCRE_SYNTAX', 'backslash at the end of the pattern', start)
  const letter = cursor.peek()
  const set = ESCAPE_CLASSES.get(letter)
  cursor.offset += 1
  if (set !== undefined) return { kind: 'set', set }
  const control = CONTROL.get(letter)
  if (control !== undefined) return { kind: 'byte', byte: control }
  switch (letter) {
    case 'x':
      return byteOf(cursor, cursor.eat('{') ? braced(cursor, 16, start) : hexPair(cursor), start)
    case 'o':
      if (!cursor.eat('{')) cursor.fail('PCRE_SYNTAX', '\\o is not followed by {', start)
      return byteOf(cursor, braced(cursor, 8, start), start)
    case 'c':
      return { kind: 'byte', byte: controlByte(cursor, start) }
    case 'p':
    case 'P':
    case 'X':
      return cursor.fail(
        'PCRE_UNSUPPORTED',
        `\\${letter} needs Unicode; patterns match bytes`,
        start,
      )
    case 'l':
    case 'L':
    case 'u':
    case 'U':
      return cursor.fail('PCRE_UNSUPPORTED', `PCRE does not support \\${letter}`, start)
    default:
      break
  }
  if (isDigit(letter.charCodeAt(0))) {
    cursor.offset -= 1
    return byteOf(cursor, octal(cursor), start)
  }
  return { kind: 'byte', byte: letter.charCodeAt(0) }
}

/** Up to three octal digits; `8` and `9` stand for themselves. */
function octal(cursor: Cursor): number {
  let value = 0
  let digits = 0
  while (digits < 3) {
    const digit = cursor.peekCode() - 0x30
    if (!(digit >= 0 && digit <= 7)) break
    value = value * 8 + digit
    digits += 1
    cursor.offset += 1
  }
  if (digits > 0) return value
  cursor.offset += 1
  return cursor.source.charCodeAt(cursor.offset - 1)
}

function hexPair(cursor: Cursor): number {
  let value = 0
  for (let digits = 0; digits < 2; digits += 1) {
    const digit = hexValue(cursor.peekCode())
    if (digit < 0) break
    value = value * 16 + digit
    cursor.offset += 1
  }
  return value
}

function braced(cursor: Cursor, radix: 8 | 16, start: number): number {
  const text = cursor.until('}', radix === 16 ? '\\x{' : '\\o{').trim()
  const valid = radix === 16 ? /^[0-9a-fA-F]{1,8}$/ : /^[0-7]{1,11}$/
  if (!valid.test(text)) cursor.fail('PCRE_SYNTAX', `"${text}" is not a number`, start)
  return Number.parseInt(text, radix)
}

function controlByte(cursor: Cursor, start: number): number {
  const code = cursor.peekCode()
  if (!(code >= 0x20 && code <= 0x7e)) {
    cursor.fail('PCRE_SYNTAX', '\\c is not followed by a printable ASCII character', start)
  }
  cursor.offset += 1
  const upper = code >= 0x61 && code <= 0x7a ? code - 0x20 : code
  return upper ^ 0x40
}

function byteOf(cursor: Cursor, value: number, start: number): Escape {
  if (value > 0xff) {
    cursor.fail('PCRE_SYNTAX', `character value ${value} is over 255; patterns match bytes`, start)
  }
  return { kind: 'byte', byte: value }
}
