import type { IncomingHttpHeaders } from 'node:http'
import { ApiError } from '#chain/errors.ts'

/** Strong entity tag of a revision. */
export const etagOf = (revision: number): string => `"${revision}"`

const ETAG_LIST = /^("[0-9]{1,16}")(\s*,\s*"[0-9]{1,16}"){0,15}$/

/**
 * If-Match and If-None-Match (RFC 9110 section 13.1), and the `revision` that a body may repeat.
 *
 * @param revision what the resource has now; null when it does not exist
 * @throws ApiError `precondition-failed`, or `malformed` for a header that is not an entity tag
 */
export function requirePrecondition(
  headers: IncomingHttpHeaders,
  bodyRevision: number | undefined,
  revision: number | null,
): void {
  const match = headers['if-match']
  const noneMatch = headers['if-none-match']
  if (match !== undefined && !matches(match, revision, 'If-Match')) fail(revision)
  if (noneMatch !== undefined && matches(noneMatch, revision, 'If-None-Match')) fail(revision)
  if (bodyRevision !== undefined && bodyRevision !== revision) fail(revision)
}

/** True when a GET's If-None-Match names the present revision: 304. */
export function isUnchanged(headers: IncomingHttpHeaders, revision: number): boolean {
  const noneMatch = headers['if-none-match']
  return noneMatch !== undefined && matches(noneMatch, revision, 'If-None-Match')
}

function matches(header: string, revision: number | null, name: string): boolean {
  const text = header.trim()
  if (text === '*') return revision !== null
  if (!ETAG_LIST.test(text)) {
    throw new ApiError('malformed', `${name} must be * or entity tags as the ETag header has them`)
  }
  return revision !== null && text.split(',').some((tag) => tag.trim() === etagOf(revision))
}

function fail(revision: number | null): never {
  const now = revision === null ? 'it does not exist' : `its revision is ${revision}`
  throw new ApiError('precondition-failed', `${now}: read it again and decide anew`, {
    extensions: { revision },
  })
}
