import { compilePattern } from '#signatures/pcre/compile.ts'
import { type CompiledPattern, SECLANG_OPTIONS } from '#signatures/pcre/pattern.ts'
import {
  type Captures,
  compiled,
  type DynamicOperator,
  MAX_CAPTURES,
  type OperatorDefinition,
  type OperatorResult,
  type OperatorWarning,
  refused,
} from './operator.ts'

/**
 * `@rx`: true when the pattern matches somewhere in the value. Compiled as ModSecurity v2 does it: `.`
 * matches newlines, `$` the very end alone. TX.0 is the match, TX.1 to TX.9 are its groups.
 *
 * @see ModSecurity Reference Manual v2, Operators, rx
 */
export const rx: OperatorDefinition = {
  name: 'rx',
  compile: (argument): OperatorResult => {
    if (argument === ANYTHING) return compiled({ match: matchAnything, gate: null })
    const result = compilePattern(argument, SECLANG_OPTIONS)
    if (!result.ok) return refused('OPERATOR_PATTERN', result.offset, result.message)
    const { pattern } = result
    return compiled(
      {
        match: (value, captures) => matchPattern(pattern, value, captures),
        gate: pattern,
        isDigitBlind: !pattern.tellsDigitsApart,
      },
      budgetWarnings(pattern),
    )
  },
  compileDynamic: () => new DynamicPattern(matchPattern),
}

/** What rules write to capture a whole value. */
const ANYTHING = '^.*$'

function matchAnything(value: string, captures: Captures | null): boolean {
  captures?.whole(value, 0)
  return true
}

/** Longest pattern that is compiled while a request is inspected, and patterns that are kept. */
const MAX_DYNAMIC_BYTES = 4096
const MAX_DYNAMIC_PATTERNS = 64

type PatternMatch = (
  pattern: CompiledPattern,
  valueLatin1: string,
  captures: Captures | null,
) => boolean

/** A pattern with macros: what they expand to is compiled once and kept, least recently used first out. */
export class DynamicPattern implements DynamicOperator {
  readonly #match: PatternMatch
  readonly #patterns = new Map<string, CompiledPattern | null>()

  constructor(match: PatternMatch) {
    this.#match = match
  }

  /** An expanded pattern that does not compile matches nothing. */
  match(valueLatin1: string, argumentLatin1: string, captures: Captures | null): boolean {
    const pattern = this.#patternOf(argumentLatin1)
    return pattern !== null && this.#match(pattern, valueLatin1, captures)
  }

  #patternOf(source: string): CompiledPattern | null {
    let pattern = this.#patterns.get(source)
    if (pattern === undefined) {
      const result = compilePattern(source.slice(0, MAX_DYNAMIC_BYTES), SECLANG_OPTIONS)
      pattern = result.ok && source.length <= MAX_DYNAMIC_BYTES ? result.pattern : null
      if (this.#patterns.size >= MAX_DYNAMIC_PATTERNS) {
        for (const oldest of this.#patterns.keys()) {
          this.#patterns.delete(oldest)
          break
        }
      }
    } else this.#patterns.delete(source)
    this.#patterns.set(source, pattern)
    return pattern
  }
}

export function matchPattern(
  pattern: CompiledPattern,
  value: string,
  captures: Captures | null,
): boolean {
  if (captures === null) return pattern.test(value)
  const start = pattern.exec(value, 0)
  if (start < 0) return false
  captures.offset = start
  captures.count = 0
  appendGroups(pattern, captures)
  return true
}

/** Adds the groups of the pattern's last match, up to the last that took part. */
export function appendGroups(pattern: CompiledPattern, captures: Captures): void {
  const first = captures.count
  for (let group = 0; group <= pattern.groupCount && first + group < MAX_CAPTURES; group += 1) {
    const text = pattern.capture(group)
    captures.groups[first + group] = text ?? ''
    if (text !== null) captures.count = first + group + 1
  }
}

export function budgetWarnings(pattern: CompiledPattern): readonly OperatorWarning[] {
  if (!pattern.isBudgeted) return []
  const message =
    'the pattern needs lookaround, a backreference or an atomic group: it runs within a step budget'
  return [{ code: 'OPERATOR_PATTERN_BUDGET', message }]
}
