import { MAX_BUNDLE_DEPTH, MAX_BUNDLE_PATH_BYTES } from './bundle.ts'

/** Safe in every file system, shell and log, and never hidden: agents write these names to disk. */
const SEGMENT = /^[A-Za-z0-9_][A-Za-z0-9._@+=,-]{0,127}$/

export type RulePath =
  | { readonly ok: true; readonly path: string; readonly isHidden: boolean }
  | { readonly ok: false; readonly reason: string }

/**
 * A name out of an archive as a path inside the bundle: relative, `/` between segments, no `.` or `..`.
 * `isHidden` names (a segment begins with a dot) are no error, they are left out of bundles.
 */
export function rulePath(name: string): RulePath {
  if (name.length === 0) return refused('the name is empty')
  if (Buffer.byteLength(name) > MAX_BUNDLE_PATH_BYTES) return refused('the name is too long')
  if (name.startsWith('/') || name.includes('\\')) return refused('the path is not relative')
  const segments = name.split('/').filter((segment) => segment !== '' && segment !== '.')
  if (segments.includes('..')) return refused('the path leaves the bundle')
  if (segments.length > MAX_BUNDLE_DEPTH) return refused('folders are nested too deeply')
  const isHidden = segments.some((segment) => segment.startsWith('.'))
  for (const segment of segments) {
    if (!SEGMENT.test(isHidden ? segment.replace(/^\.+/, '') || '_' : segment)) {
      return refused('the name has characters other than letters, digits and ._@+=,-')
    }
  }
  return { ok: true, path: segments.join('/'), isHidden }
}

function refused(reason: string): RulePath {
  return { ok: false, reason }
}
