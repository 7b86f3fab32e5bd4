import { type Diagnostic, formatDiagnostic } from '#signatures/seclang/diagnostic.ts'

/** Most findings that the message repeats. */
const MAX_LISTED = 20

/** The rules of a WAF cannot be used. `diagnostics` says where and why, warnings included. */
export class WafRulesError extends Error {
  readonly code = 'WAF_RULES'
  readonly diagnostics: readonly Diagnostic[]

  constructor(diagnostics: readonly Diagnostic[]) {
    const errors = diagnostics.filter((one) => one.severity === 'error')
    const listed = errors.slice(0, MAX_LISTED).map(formatDiagnostic)
    const more = errors.length > MAX_LISTED ? `\n... and ${errors.length - MAX_LISTED} more` : ''
    super(`the WAF's rules do not load:\n${listed.join('\n')}${more}`)
    this.name = 'WafRulesError'
    this.diagnostics = diagnostics
  }
}
