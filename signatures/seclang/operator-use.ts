import type { Diagnostics } from './diagnostic.ts'
import type { OperatorUse } from './model.ts'
import { OPERATOR_SPELLINGS, OPERATORS } from './operator-names.ts'
import { suggestion } from './suggest.ts'
import type { Word } from './words.ts'

/** `%{tx.score}`, `%{MATCHED_VAR}`. */
const MACRO = /%\{[A-Za-z_]+(?:[.:][^}]*)?\}/

/**
 * Parses the second argument of `SecRule`.
 *
 * ```
 * operator = [ "!" ] [ "@" NAME [ blanks argument ] / pattern ]     ; without "@": @rx
 * ```
 */
export function parseOperator(word: Word, diagnostics: Diagnostics): OperatorUse | null {
  const { text } = word
  let index = skipBlanks(text, 0)
  const negated = text[index] === '!'
  if (negated) index = skipBlanks(text, index + 1)
  const position = word.positionAt(Math.min(index, Math.max(0, text.length - 1)))
  let name = 'rx'
  if (text[index] === '@') {
    const start = index + 1
    index = start
    while (index < text.length && text[index] !== ' ' && text[index] !== '\t') index += 1
    name = text.slice(start, index)
    index = skipBlanks(text, index)
  }
  const known = OPERATORS.get(name.toLowerCase())
  if (known === undefined) {
    const hint = suggestion(name, OPERATOR_SPELLINGS)
    diagnostics.error('SECLANG_UNKNOWN_OPERATOR', position, `unknown operator "@${name}"${hint}`)
    return null
  }
  if (known.kind === 'refused') {
    diagnostics.error('SECLANG_REFUSED', position, `@${name} is refused: ${known.reason}`)
    return null
  }
  if (known.kind === 'inert') {
    const message = `@${name} never matches: ${known.reason}`
    diagnostics.warning('SECLANG_NEVER_MATCHES', position, message)
  }
  const argument = text.slice(index)
  return {
    name: name.toLowerCase(),
    negated,
    argument,
    dynamic: MACRO.test(argument),
    position,
    argumentPosition: word.positionAt(Math.min(index, Math.max(0, text.length - 1))),
  }
}

function skipBlanks(text: string, from: number): number {
  let index = from
  while (text[index] === ' ' || text[index] === '\t') index += 1
  return index
}
