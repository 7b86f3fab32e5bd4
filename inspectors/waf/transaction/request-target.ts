import { percentDecode } from '../body/url-decode.ts'

/** Parts of a request target as Apache splits it. */
export interface TargetParts {
  /** REQUEST_URI: path and query as sent, without scheme and host. */
  readonly uri: string
  /** REQUEST_FILENAME: percent-decoded. */
  readonly path: string
  /** REQUEST_BASENAME: after the last `/` or `\`. */
  readonly basename: string
  /** QUERY_STRING, without the `?`. */
  readonly query: string
}

/** Splits origin, absolute, authority and asterisk form (RFC 9112 section 3.2). */
export function splitTarget(target: string): TargetParts {
  const uri = withoutOrigin(target)
  const hash = uri.indexOf('#')
  const beforeFragment = hash < 0 ? uri : uri.slice(0, hash)
  const mark = beforeFragment.indexOf('?')
  const path = percentDecode(mark < 0 ? beforeFragment : beforeFragment.slice(0, mark))
  const query = mark < 0 ? '' : beforeFragment.slice(mark + 1)
  const slash = Math.max(path.lastIndexOf('/'), path.lastIndexOf('\\'))
  return { uri, path, basename: path.slice(slash + 1), query }
}

function withoutOrigin(target: string): string {
  if (target.startsWith('/')) return target
  const absolute = /^[A-Za-z][A-Za-z0-9+.-]*:\/\/[^/?#]*/.exec(target)
  if (absolute === null) return target
  const rest = target.slice(absolute[0].length)
  return rest.startsWith('/') ? rest : `/${rest}`
}
