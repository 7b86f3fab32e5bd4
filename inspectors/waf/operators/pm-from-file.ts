import { compiled, type OperatorDefinition, type OperatorResult, refused } from './operator.ts'
import { phraseOperator } from './pm.ts'

/** Most bytes of one file's text, and phrases of all files of one rule. */
const MAX_FILE_BYTES = 16_777_216
const MAX_PHRASES = 200_000

/**
 * `@pmFromFile` (`@pmf`): `@pm` with the lines of one or more data files as phrases. Blanks around a line
 * are taken off; empty lines and those that begin with `#` are left out. Files are read once, at load;
 * addresses (`https://`) are refused.
 *
 * @see ModSecurity Reference Manual v2, Operators, pmFromFile
 */
export const pmFromFile: OperatorDefinition = {
  name: 'pmFromFile',
  compile: (argument, context): OperatorResult => {
    const names = argument.split(/\s+/).filter((name) => name !== '')
    if (names.length === 0) return refused('OPERATOR_ARGUMENT', 0, 'no file is named')
    const phrases: string[] = []
    for (const name of names) {
      const offset = argument.indexOf(name)
      if (/^https?:/i.test(name)) {
        return refused('OPERATOR_UNSUPPORTED', offset, 'rules read files alone, no addresses')
      }
      const file = context.readData(name)
      if (!file.ok) return refused('OPERATOR_FILE', offset, file.message)
      if (file.textLatin1.length > MAX_FILE_BYTES) {
        return refused('OPERATOR_FILE', offset, `${name} has more than ${MAX_FILE_BYTES} bytes`)
      }
      for (const phrase of dataLines(file.textLatin1)) phrases.push(phrase)
    }
    if (phrases.length > MAX_PHRASES) {
      return refused('OPERATOR_FILE', 0, `the files have more than ${MAX_PHRASES} phrases`)
    }
    if (phrases.length === 0) {
      return compiled({ match: () => false, gate: null }, [
        { code: 'OPERATOR_NEVER_MATCHES', message: `${argument} has no phrases` },
      ])
    }
    return compiled(phraseOperator(phrases))
  },
  compileDynamic: () => null,
}

/** Lines of a data file with blanks around them, comments and empty ones taken off. */
export function dataLines(textLatin1: string): string[] {
  return textLatin1
    .split('\n')
    .map((line) => line.replaceAll(/^[ \t\v\f\r]+|[ \t\v\f\r]+$/g, ''))
    .filter((line) => line !== '' && !line.startsWith('#'))
}
