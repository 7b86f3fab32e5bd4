import { compilePattern } from '#signatures/pcre/compile.ts'
import { type CompiledPattern, SECLANG_OPTIONS } from '#signatures/pcre/pattern.ts'
import {
  type Captures,
  compiled,
  MAX_CAPTURES,
  type OperatorDefinition,
  type OperatorResult,
  refused,
} from './operator.ts'
import { appendGroups, budgetWarnings, DynamicPattern } from './rx.ts'

/**
 * `@rxGlobal`: as `@rx`, but all matches are captured one after the other, TX.0 to TX.9.
 *
 * @see ModSecurity Reference Manual v3, Operators, rxGlobal
 */
export const rxGlobal: OperatorDefinition = {
  name: 'rxGlobal',
  compile: (argument): OperatorResult => {
    const result = compilePattern(argument, SECLANG_OPTIONS)
    if (!result.ok) return refused('OPERATOR_PATTERN', result.offset, result.message)
    const { pattern } = result
    return compiled(
      { match: (value, captures) => matchAll(pattern, value, captures), gate: pattern },
      budgetWarnings(pattern),
    )
  },
  compileDynamic: () => new DynamicPattern(matchAll),
}

function matchAll(pattern: CompiledPattern, value: string, captures: Captures | null): boolean {
  if (captures === null) return pattern.test(value)
  let start = pattern.exec(value, 0)
  if (start < 0) return false
  captures.offset = start
  captures.count = 0
  while (start >= 0 && captures.count < MAX_CAPTURES) {
    appendGroups(pattern, captures)
    const next = pattern.end > start ? pattern.end : start + 1
    if (next > value.length) break
    start = pattern.exec(value, next)
  }
  return true
}
