/** One thing that keeps rules from being loaded; lines and columns count from 1. */
export interface LoadDiagnostic {
  readonly file: string
  readonly line: number
  readonly column: number
  readonly code: string
  readonly message: string
  /** `warning`: does not keep the rules from being loaded; absent is an error. */
  readonly severity?: string
}

const MAX_DIAGNOSTICS = 10

/**
 * What to tell of an error that a configuration ended in: each diagnostic on a line of its own as
 * `file:line:column: message (code)`, or the error's message.
 */
export function describeLoadError(error: unknown): string {
  const diagnostics = diagnosticsOf(error)
  if (diagnostics.length === 0) return error instanceof Error ? error.message : String(error)
  const lines = diagnostics
    .slice(0, MAX_DIAGNOSTICS)
    .map(
      ({ file, line, column, message, code }) => `${file}:${line}:${column}: ${message} (${code})`,
    )
  const more = diagnostics.length - lines.length
  return [...lines, ...(more > 0 ? [`and ${more} more`] : [])].join('\n')
}

/** One line that says what of an engine's rules does not work as written; empty when all does. */
export function describeWarnings(what: string, warnings: readonly LoadDiagnostic[]): string[] {
  const [first] = warnings
  if (first === undefined) return []
  const others = warnings.length > 1 ? ` and ${warnings.length - 1} more` : ''
  return [
    `${what}: ${first.file}:${first.line}:${first.column}: ${first.message}${others} (portcullis signatures check lists them all)`,
  ]
}

/** By shape, not by class: each engine has an error of its own. */
function diagnosticsOf(error: unknown): readonly LoadDiagnostic[] {
  if (typeof error !== 'object' || error === null || !('diagnostics' in error)) return []
  if (!Array.isArray(error.diagnostics)) return []
  return (error.diagnostics as LoadDiagnostic[]).filter(({ severity }) => severity !== 'warning')
}
