import { gateOfLiterals } from './literal-gate.ts'
import { compiled, type OperatorDefinition, type OperatorResult, refused } from './operator.ts'
import { parsePhrases } from './phrase.ts'

/**
 * `@strmatch`: true when the argument, in the notation of `@pm` but one phrase, is found in the value.
 *
 * @see ModSecurity Reference Manual v2, Operators, strmatch
 */
export const strmatch: OperatorDefinition = {
  name: 'strmatch',
  compile: (argument): OperatorResult => {
    const phrase = parsePhrases(argument)
    if (!phrase.ok) return refused('OPERATOR_ARGUMENT', phrase.offset, phrase.message)
    const text = phrase.textLatin1
    if (text === '') return refused('OPERATOR_ARGUMENT', 0, 'there is nothing to look for')
    return compiled({
      match: (value, captures) => {
        const start = value.indexOf(text)
        if (start >= 0 && captures !== null) captures.whole(text, start)
        return start >= 0
      },
      gate: gateOfLiterals([text], false),
    })
  },
  compileDynamic: () => null,
}
