import { buildAutomaton } from '#inspectors/matching/aho-corasick.ts'
import type { Automaton } from '#inspectors/matching/automaton.ts'
import { gateOfLiterals } from './literal-gate.ts'
import {
  compiled,
  type Operator,
  type OperatorDefinition,
  type OperatorResult,
  refused,
} from './operator.ts'
import { parsePhrases } from './phrase.ts'

/**
 * `@pm`: true when one of the phrases, which white space separates, is found in the value in whatever
 * case. TX.0 is the one that ends first and, of those, the longest.
 *
 * @see ModSecurity Reference Manual v2, Operators, pm
 */
export const pm: OperatorDefinition = {
  name: 'pm',
  compile: (argument): OperatorResult => {
    const phrases = parsePhrases(argument)
    if (!phrases.ok) return refused('OPERATOR_ARGUMENT', phrases.offset, phrases.message)
    const words = phrases.textLatin1.split(/[ \t\n\v\f\r]+/).filter((word) => word !== '')
    if (words.length === 0) return refused('OPERATOR_ARGUMENT', 0, 'there is nothing to look for')
    return compiled(phraseOperator(words))
  },
  compileDynamic: () => null,
}

/**
 * Matcher for any of these phrases, none of them empty. The gate knows what texts need; the automaton is
 * built for the first one that has it.
 */
export function phraseOperator(phrasesLatin1: readonly string[]): Operator {
  let automaton: Automaton | null = null
  return {
    match: (value, captures) => {
      automaton ??= buildAutomaton(phrasesLatin1, { ignoreCase: true })
      const id = automaton.firstInString(value)
      if (id < 0) return false
      if (captures !== null) {
        const end = automaton.lastEnd
        const start = end - phrasesLatin1[id].length
        captures.whole(value.slice(start, end), start)
      }
      return true
    },
    gate: gateOfLiterals(phrasesLatin1, true),
  }
}
