/** Why a rule was rejected. Stable: tools and tests match on it. */
export type RuleProblemCode =
  | 'syntax'
  | 'unknown-action'
  | 'unknown-protocol'
  | 'bad-address'
  | 'bad-port'
  | 'unknown-variable'
  | 'bad-direction'
  | 'unknown-keyword'
  | 'unsupported-keyword'
  | 'bad-argument'
  | 'bad-content'
  | 'bad-pcre'
  | 'unsupported-pcre'
  | 'misplaced-modifier'
  | 'conflict'
  | 'missing-sid'
  | 'missing-data'
  | 'duplicate-sid'
  | 'unknown-classtype'
  | 'limit'

/** A rejected rule: where, why and what to do. `line` and `column` count from 1, in characters. */
export interface RuleProblem {
  readonly file: string
  readonly line: number
  readonly column: number
  readonly code: RuleProblemCode
  readonly message: string
  readonly suggestion?: string
  /** Signature id, where it could be read. */
  readonly sid?: number
  /** Keyword the problem is about, for counts by reason. */
  readonly keyword?: string
}

/**
 * Thrown inside the rule parser alone and turned into a RuleProblem by `parseRule`; never leaves this
 * folder. `at` is an offset in the logical line, -1 when the option's own position is to be taken.
 */
export class RuleFault extends Error {
  readonly code: RuleProblemCode
  readonly suggestion: string | undefined
  readonly at: number
  readonly keyword: string | undefined

  constructor(
    code: RuleProblemCode,
    message: string,
    options: { readonly suggestion?: string; readonly at?: number; readonly keyword?: string } = {},
  ) {
    super(message)
    this.code = code
    this.suggestion = options.suggestion
    this.at = options.at ?? -1
    this.keyword = options.keyword
  }
}
