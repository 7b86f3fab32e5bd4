import {
  addByte,
  addRange,
  addSet,
  complement,
  emptySet,
  foldCase,
  POSIX_CLASSES,
} from './byte-set.ts'
import type { Cursor } from './cursor.ts'
import type { ByteSet } from './gate.ts'
import { parseEscape } from './parse-escape.ts'

/**
 * Reads a bracket class; the cursor stands after `[`.
 * ```
 * class := '^'? ']'? (item | item '-' item)* ']'
 * item  := byte | '\' escape | '\b' (backspace) | '\Q' text '\E' | '[:' '^'? name ':]'
 * ```
 * Case is folded before the class is negated, as PCRE does it.
 */
export function parseClass(cursor: Cursor): ByteSet {
  const start = cursor.offset - 1
  const negated = cursor.eat('^')
  const set = emptySet()
  let first = true
  let quoted = false
  for (;;) {
    if (cursor.atEnd) cursor.fail('PCRE_SYNTAX', 'missing ] after the class', start)
    if (quoted && cursor.eat('\\E')) {
      quoted = false
      continue
    }
    if (!quoted) {
      if (!first && cursor.eat(']')) break
      if (cursor.eat('\\Q')) {
        quoted = true
        continue
      }
      if (cursor.eat('\\E')) continue
      if (cursor.startsWith('[') && addPosixClass(cursor, set)) {
        first = false
        continue
      }
    }
    const low = classItem(cursor, quoted, set)
    first = false
    if (low < 0 || quoted || !rangeFollows(cursor)) {
      if (low >= 0) addByte(set, low)
      continue
    }
    addRangeOrHyphen(cursor, set, low)
  }
  if (cursor.ignoreCase) foldCase(set)
  return negated ? complement(set) : set
}

function rangeFollows(cursor: Cursor): boolean {
  if (cursor.peek() !== '-') return false
  const next = cursor.source.charAt(cursor.offset + 1)
  return next !== '' && next !== ']'
}

/** The cursor stands at the hyphen. A class escape on its right makes the hyphen literal. */
function addRangeOrHyphen(cursor: Cursor, set: ByteSet, low: number): void {
  const hyphen = cursor.offset
  cursor.offset += 1
  if (cursor.startsWith('[') && addPosixClass(cursor, set)) {
    addByte(set, low)
    addByte(set, 0x2d)
    return
  }
  const high = classItem(cursor, false, set)
  if (high < 0) {
    addByte(set, low)
    addByte(set, 0x2d)
    return
  }
  if (high < low) cursor.fail('PCRE_SYNTAX', 'range out of order in the class', hyphen)
  addRange(set, low, high)
}

/** One byte of a class; -1 when it was a set, which has been added. */
function classItem(cursor: Cursor, quoted: boolean, set: ByteSet): number {
  const code = cursor.peekCode()
  cursor.offset += 1
  if (code !== 0x5c || quoted) return code
  if (cursor.eat('b')) return 8
  const letter = cursor.peek()
  if (letter === 'N' || letter === 'R' || letter === 'B') {
    cursor.fail('PCRE_SYNTAX', `\\${letter} is not allowed in a class`, cursor.offset - 1)
  }
  const escape = parseEscape(cursor)
  if (escape.kind === 'byte') return escape.byte
  addSet(set, escape.set)
  return -1
}

/** Adds `[:name:]` when it is next; anything else that starts with `[` is a literal bracket. */
function addPosixClass(cursor: Cursor, set: ByteSet): boolean {
  const start = cursor.offset
  const opener = cursor.source.charAt(start + 1)
  if (opener !== ':' && opener !== '.' && opener !== '=') return false
  const end = cursor.source.indexOf(`${opener}]`, start + 2)
  if (end < 0) return false
  const text = cursor.source.slice(start + 2, end)
  if (!/^\^?[a-zA-Z]*$/.test(text)) return false
  if (opener !== ':') {
    cursor.fail('PCRE_UNSUPPORTED', 'PCRE does not support collating elements', start)
  }
  const negated = text.startsWith('^')
  const named = POSIX_CLASSES.get(negated ? text.slice(1) : text)
  if (named === undefined) cursor.fail('PCRE_SYNTAX', `unknown class [:${text}:]`, start)
  const chosen = Uint32Array.from(named)
  if (cursor.ignoreCase) foldCase(chosen)
  addSet(set, negated ? complement(chosen) : chosen)
  cursor.offset = end + 2
  return true
}
