import { compilePattern } from '#signatures/pcre/compile.ts'
import type { CompiledPattern, PatternOptions } from '#signatures/pcre/pattern.ts'
import {
  type Captures,
  compiled,
  type OperatorDefinition,
  type OperatorResult,
  refused,
} from './operator.ts'
import { budgetWarnings } from './rx.ts'

/** What ModSecurity compiles patterns of these operators with. */
const OPTIONS: PatternOptions = { dotAll: true, multiline: true }
/** Matches of the pattern that are verified in one value. */
const MAX_MATCHES = 1000

/**
 * Definition of an operator that looks for numbers with a check digit: the argument is a pattern, and
 * each of its matches is verified. The next search begins a byte after the start of the last match.
 *
 * @param isValid tells whether the digits of a match are such a number
 */
export function verifiedNumber(
  name: string,
  isValid: (digits: readonly number[]) => boolean,
): OperatorDefinition {
  return {
    name,
    compile: (argument): OperatorResult => {
      const result = compilePattern(argument, OPTIONS)
      if (!result.ok) return refused('OPERATOR_PATTERN', result.offset, result.message)
      const { pattern } = result
      return compiled(
        { match: (value, captures) => find(pattern, isValid, value, captures), gate: pattern },
        budgetWarnings(pattern),
      )
    },
    compileDynamic: () => null,
  }
}

function find(
  pattern: CompiledPattern,
  isValid: (digits: readonly number[]) => boolean,
  value: string,
  captures: Captures | null,
): boolean {
  let from = 0
  for (let tries = 0; tries < MAX_MATCHES && from < value.length; tries += 1) {
    const start = pattern.exec(value, from)
    if (start < 0) return false
    const text = value.slice(start, pattern.end)
    if (text !== '' && isValid(digitsOf(text))) {
      captures?.whole(text, start)
      return true
    }
    from = start + 1
  }
  return false
}

function digitsOf(text: string): number[] {
  const digits: number[] = []
  for (let index = 0; index < text.length; index += 1) {
    const code = text.charCodeAt(index)
    if (code >= 0x30 && code <= 0x39) digits.push(code - 0x30)
  }
  return digits
}

/** Digits that are all the same. */
export function isRepeated(digits: readonly number[]): boolean {
  return digits.every((digit) => digit === digits[0])
}
