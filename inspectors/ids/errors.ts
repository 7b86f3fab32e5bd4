import type { RuleProblem } from '#signatures/suricata/problem.ts'

export type IdsErrorCode =
  /** A rule file or folder cannot be read. */
  | 'IDS_RULES_UNREADABLE'
  /** No rule of the whole set could be loaded. */
  | 'IDS_NO_RULES'
  /** A variable of the settings is not an address or port list. */
  | 'IDS_BAD_VARIABLE'
  | 'IDS_LIMIT'

/** Why an IDS could not be made. `diagnostics` has the rejected rules with file, line and column. */
export class IdsLoadError extends Error {
  readonly code: IdsErrorCode
  readonly diagnostics: readonly RuleProblem[]

  constructor(
    code: IdsErrorCode,
    message: string,
    diagnostics: readonly RuleProblem[] = [],
    options: ErrorOptions = {},
  ) {
    super(message, options)
    this.code = code
    this.diagnostics = diagnostics
  }
}
