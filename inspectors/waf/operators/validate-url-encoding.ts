import { addByte, emptySet } from '#signatures/pcre/byte-set.ts'
import { compiled, type OperatorDefinition } from './operator.ts'

/**
 * `@validateUrlEncoding`: true when a `%` is *not* followed by two hexadecimal digits.
 *
 * @see ModSecurity Reference Manual v2, Operators, validateUrlEncoding
 */
export const validateUrlEncoding: OperatorDefinition = {
  name: 'validateUrlEncoding',
  compile: () =>
    compiled({
      match: (value, captures) => {
        const offset = value.search(/%(?![0-9a-fA-F]{2})/)
        if (offset >= 0 && captures !== null) {
          captures.count = 0
          captures.offset = offset
        }
        return offset >= 0
      },
      gate: { requirement: null, byteMasks: [PERCENT], minLength: 1 },
    }),
  compileDynamic: () => null,
}

const PERCENT = emptySet()
addByte(PERCENT, 0x25)
