import { textOperator } from './text-operator.ts'

/**
 * `@containsWord`: true when the argument is found in the value with no letter, digit or underscore right
 * before or after it; an empty argument always is. Macros are expanded.
 *
 * @see ModSecurity Reference Manual v2, Operators, containsWord
 */
export const containsWord = textOperator('containsWord', hasWord, 'text')

function hasWord(value: string, word: string): boolean {
  if (word === '') return true
  for (let at = value.indexOf(word); at >= 0; at = value.indexOf(word, at + 1)) {
    if (!isWordByte(value.charCodeAt(at - 1)) && !isWordByte(value.charCodeAt(at + word.length))) {
      return true
    }
  }
  return false
}

/** NaN, before the first byte and after the last, is none. */
function isWordByte(code: number): boolean {
  const lower = code | 0x20
  return (lower >= 0x61 && lower <= 0x7a) || (code >= 0x30 && code <= 0x39) || code === 0x5f
}
