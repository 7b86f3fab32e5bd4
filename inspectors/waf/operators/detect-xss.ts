import { addByte, emptySet } from '#signatures/pcre/byte-set.ts'
import { detectXss } from '../libinjection/xss.ts'
import { compiled, type OperatorDefinition } from './operator.ts'

/**
 * `@detectXSS`: true when libinjection's method finds a script in the value.
 *
 * @see ModSecurity Reference Manual v2, Operators, detectXSS
 */
export const detectXSS: OperatorDefinition = {
  name: 'detectXSS',
  compile: () =>
    compiled({
      match: (value) => detectXss(value),
      // Tags, comments and doctypes need the one, attributes with a value the other.
      gate: { requirement: null, byteMasks: [LESS_OR_EQUALS], minLength: 2 },
    }),
  compileDynamic: () => null,
}

const LESS_OR_EQUALS = emptySet()
addByte(LESS_OR_EQUALS, 0x3c)
addByte(LESS_OR_EQUALS, 0x3d)
