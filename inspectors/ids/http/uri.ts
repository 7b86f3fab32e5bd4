import { percentDecode } from './percent-decode.ts'

/**
 * `http.uri`: the request target as a server would understand it.
 *
 *   - scheme and authority of an absolute target are left out
 *   - path: %XX and %uXXXX decoded once, backslashes become slashes, runs of slashes become one,
 *     "." and ".." segments are resolved
 *   - query and fragment: %XX and %uXXXX decoded once, "+" kept
 *   - an invalid % stays as it is
 *
 * @param target request target as sent, latin1
 */
export function normalizeUri(target: string): string {
  const rest = withoutAuthority(target)
  const queryAt = rest.indexOf('?')
  const fragmentAt = rest.indexOf('#')
  const pathEnd =
    queryAt < 0
      ? fragmentAt < 0
        ? rest.length
        : fragmentAt
      : fragmentAt < 0
        ? queryAt
        : Math.min(queryAt, fragmentAt)
  const path = normalizePath(rest.slice(0, pathEnd))
  return pathEnd === rest.length ? path : path + percentDecode(rest.slice(pathEnd))
}

const ABSOLUTE = /^[A-Za-z][A-Za-z0-9+.-]*:\/\/[^/?#]*/

function withoutAuthority(target: string): string {
  if (target.startsWith('/')) return target
  const match = ABSOLUTE.exec(target)
  return match === null ? target : target.slice(match[0].length)
}

/** Authority of an absolute target; null when the target has none. */
export function authorityOf(target: string): string | null {
  if (target.startsWith('/')) return null
  const match = ABSOLUTE.exec(target)
  return match === null ? null : match[0].slice(match[0].indexOf('//') + 2)
}

function normalizePath(raw: string): string {
  let path = percentDecode(raw)
  if (path.includes('\\')) path = path.replaceAll('\\', '/')
  if (path.includes('//')) path = path.replaceAll(/\/{2,}/g, '/')
  return path.includes('/.') || path.startsWith('.') ? withoutDots(path) : path
}

/** Resolves dot segments; ".." above the root stays at the root. */
function withoutDots(path: string): string {
  const kept: string[] = []
  const segments = path.split('/')
  for (let index = 0; index < segments.length; index += 1) {
    const segment = segments[index]
    const last = index === segments.length - 1
    if (segment === '.') {
      if (last) kept.push('')
    } else if (segment === '..') {
      if (kept.length > 1 || (kept.length === 1 && kept[0] !== '')) kept.pop()
      if (last) kept.push('')
    } else kept.push(segment)
  }
  return kept.join('/')
}
