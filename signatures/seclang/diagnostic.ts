/** Where something stands in a rule file. Lines and columns count from 1; a column counts bytes. */
export interface SourcePosition {
  readonly file: string
  readonly line: number
  readonly column: number
}

export type SecLangErrorCode =
  | 'SECLANG_UNKNOWN_DIRECTIVE'
  | 'SECLANG_UNKNOWN_VARIABLE'
  | 'SECLANG_UNKNOWN_OPERATOR'
  | 'SECLANG_UNKNOWN_TRANSFORMATION'
  | 'SECLANG_UNKNOWN_ACTION'
  | 'SECLANG_UNKNOWN_CTL'
  | 'SECLANG_REFUSED'
  | 'SECLANG_SYNTAX'
  | 'SECLANG_ARGUMENT'
  | 'SECLANG_PATTERN'
  | 'SECLANG_FILE'
  | 'SECLANG_CHAIN'
  | 'SECLANG_RULE_ID'
  | 'SECLANG_LIMIT'

export type SecLangWarningCode =
  | 'SECLANG_IGNORED_DIRECTIVE'
  | 'SECLANG_IGNORED_ACTION'
  | 'SECLANG_NO_SUCH_RULE'
  | 'SECLANG_NO_SUCH_MARKER'
  | 'SECLANG_NEVER_MATCHES'

/** One finding about rule text: an error keeps the rules from loading, a warning does not. */
export type Diagnostic = SourcePosition &
  (
    | { readonly severity: 'error'; readonly code: SecLangErrorCode; readonly message: string }
    | { readonly severity: 'warning'; readonly code: SecLangWarningCode; readonly message: string }
  )

/** Most findings that are kept; a file that is no rule file at all must not fill the memory. */
export const MAX_DIAGNOSTICS = 1000

/** Collects findings in the order they are made. */
export class Diagnostics {
  readonly list: Diagnostic[] = []
  #errors = 0

  error(code: SecLangErrorCode, at: SourcePosition, message: string): void {
    this.#errors += 1
    this.#add({ severity: 'error', code, message, ...place(at) })
  }

  warning(code: SecLangWarningCode, at: SourcePosition, message: string): void {
    this.#add({ severity: 'warning', code, message, ...place(at) })
  }

  get errorCount(): number {
    return this.#errors
  }

  #add(diagnostic: Diagnostic): void {
    if (this.list.length < MAX_DIAGNOSTICS) this.list.push(diagnostic)
  }
}

/** `file:line:column: message [code]`, as compilers write it. */
export function formatDiagnostic(diagnostic: Diagnostic): string {
  const { file, line, column, severity, code, message } = diagnostic
  return `${file}:${line}:${column}: ${severity}: ${message} [${code}]`
}

function place(at: SourcePosition): SourcePosition {
  return { file: at.file, line: at.line, column: at.column }
}
