/**
 * Failures of the signatures tools that are the input's or the environment's fault. The CLI turns a code
 * into its exit status; the manager into a problem answer.
 */
export type SignatureErrorCode =
  /** An archive or a set of files that is refused: escapes, links, bounds, not an archive. */
  | 'BUNDLE_INVALID'
  /** A path on the command line that cannot be read. */
  | 'SOURCE_UNREADABLE'
  /** Bad combination or value of arguments. */
  | 'USAGE'
  /** The manager cannot be reached. */
  | 'API_UNREACHABLE'
  /** The manager answered with a problem. */
  | 'API_REFUSED'
  /** Stopped by the user. */
  | 'INTERRUPTED'

export class SignatureError extends Error {
  readonly code: SignatureErrorCode

  constructor(code: SignatureErrorCode, message: string, options?: { readonly cause?: unknown }) {
    super(message, options)
    this.name = 'SignatureError'
    this.code = code
  }
}
