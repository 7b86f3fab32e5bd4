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

/** By shape, not by class: each engine has an error of its own. */
function diagnosticsOf(error: unknown): readonly LoadDiagnostic[] {
  if (typeof error !== 'object' || error === null || !('diagnostics' in error)) return []
  if (!Array.isArray(error.diagnostics)) return []
  return (error.diagnostics as LoadDiagnostic[]).filter(({ severity }) => severity !== 'warning')
}
