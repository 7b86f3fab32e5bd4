import type { Gate } from './gate.ts'

/** Flags a rule language sets beside the pattern. Inline flags (`(?i)`) act on top of them. */
export interface PatternOptions {
  /** `i`: ASCII letters only, as PCRE does in the C locale. */
  readonly ignoreCase?: boolean
  /** `s`: `.` matches `\n` too. */
  readonly dotAll?: boolean
  /** `m`: `^` and `$` also match at line ends. */
  readonly multiline?: boolean
  /** `E`, PCRE_DOLLAR_ENDONLY: `$` matches at the very end, not before a last `\n`. */
  readonly dollarEndOnly?: boolean
  /** `x`: white space and `#` comments in the pattern are left out. */
  readonly extended?: boolean
  /** `A`: matches only at the offset where matching starts. */
  readonly anchored?: boolean
  /** `G`, PCRE_UNGREEDY: quantifiers are lazy unless followed by `?`. */
  readonly ungreedy?: boolean
  /** Most values are plain text: works out what the pattern is for them (restrict.ts). */
  readonly plainText?: boolean
}

/** ModSecurity v2 compiles `@rx` with these (DOTALL, DOLLAR_ENDONLY). */
export const SECLANG_OPTIONS: PatternOptions = {
  dotAll: true,
  dollarEndOnly: true,
  plainText: true,
}

/**
 * How a pattern is kept from stalling the worker.
 * `linear`: V8's backtracking engine, which falls back to its linear one after too many backtracks; for long
 *   values RE2.
 * `re2`: RE2; counted repeats too large for V8's linear engine.
 * `budget`: lookahead, backreference, atomic or conditional group. A linear pattern that matches a
 * superset finds candidates, an interpreter with a step budget decides them.
 */
export type PatternSafety = 'linear' | 're2' | 'budget'

/**
 * A compiled pattern. Values are latin1 strings: one character is one byte. State of the last `exec`
 * is kept in the pattern, so it is read before the next call; patterns are not reentrant and need not
 * be. Engines are built at the first use.
 */
export interface CompiledPattern extends Gate {
  readonly source: string
  readonly safety: PatternSafety
  /** `safety` is `budget`; cheaper to ask. */
  readonly isBudgeted: boolean
  /** Every match starts at offset 0 of the value. */
  readonly anchoredAtStart: boolean
  /** False: digits in place of others change nothing about whether a value matches (digits.ts). */
  readonly tellsDigitsApart: boolean
  /** Capturing groups, the whole match not counted. */
  readonly groupCount: number
  /** Group number by name. */
  readonly groupNames: ReadonlyMap<string, number>
  /** True when the value has a match that starts at or after `from` (default 0). */
  test(valueLatin1: string, from?: number): boolean
  /**
   * Finds the leftmost match that starts at or after `from`. `^` and lookbehind see the value from its
   * beginning; slice it where a match must not.
   *
   * @returns offset where the match starts, -1 when there is none
   */
  exec(valueLatin1: string, from: number): number
  /** Offset after the last byte of the last `exec`'s match; -1 when it had none. */
  readonly end: number
  /** Text of a group of the last `exec`'s match (0: the whole); null when the group took no part. */
  capture(group: number): string | null
  /** True when the last call gave up at its budget: the answer was "no match" without proof. */
  readonly exhausted: boolean
}

export type PatternErrorCode =
  | 'PCRE_SYNTAX'
  | 'PCRE_UNSUPPORTED'
  | 'PCRE_UNKNOWN_GROUP'
  | 'PCRE_TOO_LARGE'

/** Why a pattern is refused. `offset` counts bytes of the source. */
export interface PatternError {
  readonly code: PatternErrorCode
  readonly offset: number
  readonly message: string
}

export type PatternResult =
  | { readonly ok: true; readonly pattern: CompiledPattern }
  | ({ readonly ok: false } & PatternError)
