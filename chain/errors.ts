/**
 * Every error the API answers with: `code` is stable and is what programs should look at.
 * `type` of the problem (RFC 9457) is `urn:portcullis:problem:<code>`.
 */
const TABLE = {
  malformed: { status: 400, title: 'The request does not have the documented form' },
  unauthenticated: { status: 401, title: 'A valid bearer token is needed' },
  forbidden: { status: 403, title: 'The token’s role does not allow this' },
  'not-found': { status: 404, title: 'There is no such thing' },
  'method-not-allowed': { status: 405, title: 'The resource has no such method' },
  exists: { status: 409, title: 'It exists already' },
  conflict: { status: 409, title: 'Another resource is in the way' },
  busy: { status: 409, title: 'The same thing is being done already' },
  'precondition-failed': { status: 412, title: 'The resource was changed in the meantime' },
  'too-large': { status: 413, title: 'The body is larger than the limit' },
  'unsupported-media-type': { status: 415, title: 'The body’s media type is not accepted here' },
  invalid: { status: 422, title: 'What was asked for cannot be enforced' },
  'rule-set-refused': { status: 422, title: 'The rule set does not load' },
  'too-many': { status: 429, title: 'A limit of the service is reached' },
  internal: { status: 500, title: 'The service failed; it is logged under this request id' },
  unavailable: { status: 503, title: 'The service cannot reach its state store' },
  'not-realized': { status: 504, title: 'It was stored, but is not in force yet' },
} as const

export type ErrorCode = keyof typeof TABLE

/** One reason, at a place in the request's body (RFC 6901 pointer; empty for the whole). */
export interface ErrorItem {
  readonly pointer: string
  readonly detail: string
}

export interface ErrorDetails {
  readonly errors?: readonly ErrorItem[]
  readonly cause?: unknown
  /** Further members of the problem document (`in_the_way`, `revision`). */
  readonly extensions?: Readonly<Record<string, unknown>>
}

/** An expected failure with its HTTP answer. `detail` is shown to the caller. */
export class ApiError extends Error {
  readonly code: ErrorCode
  readonly status: number
  readonly title: string
  readonly errors: readonly ErrorItem[]
  readonly extensions: Readonly<Record<string, unknown>>

  constructor(code: ErrorCode, detail: string, details: ErrorDetails = {}) {
    super(detail, details.cause === undefined ? undefined : { cause: details.cause })
    this.name = 'ApiError'
    this.code = code
    this.status = TABLE[code].status
    this.title = TABLE[code].title
    this.errors = details.errors ?? []
    this.extensions = details.extensions ?? {}
  }
}

export const isErrorCode = (code: string): code is ErrorCode => Object.hasOwn(TABLE, code)
