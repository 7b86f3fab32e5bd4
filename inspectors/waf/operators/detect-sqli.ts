import { addRange, complement, emptySet } from '#signatures/pcre/byte-set.ts'
import { detectSqlInjection } from '../libinjection/sqli.ts'
import { compiled, type OperatorDefinition } from './operator.ts'

/**
 * `@detectSQLi`: true when libinjection's method finds SQL injection in the value. TX.0 is the fingerprint.
 *
 * @see ModSecurity Reference Manual v2, Operators, detectSQLi
 */
export const detectSQLi: OperatorDefinition = {
  name: 'detectSQLi',
  compile: () =>
    compiled({
      match: (value, captures) => {
        const fingerprint = detectSqlInjection(value)
        if (fingerprint === null) return false
        captures?.whole(fingerprint, 0)
        return true
      },
      // Letters and digits alone are one word, or a number and a word: never an attack.
      gate: { requirement: null, byteMasks: [NO_LETTER_OR_DIGIT], minLength: 2 },
    }),
  compileDynamic: () => null,
}

const LETTERS_AND_DIGITS = emptySet()
addRange(LETTERS_AND_DIGITS, 0x30, 0x39)
addRange(LETTERS_AND_DIGITS, 0x41, 0x5a)
addRange(LETTERS_AND_DIGITS, 0x61, 0x7a)
const NO_LETTER_OR_DIGIT = complement(LETTERS_AND_DIGITS)
