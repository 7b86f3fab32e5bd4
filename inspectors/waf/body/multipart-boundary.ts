export type Boundary =
  | { readonly ok: true; readonly boundary: string }
  | { readonly ok: false; readonly message: string }

/** Longest boundary (RFC 2046). */
export const MAX_BOUNDARY_BYTES = 70

/**
 * Boundary of a `multipart/form-data` Content-Type. One `boundary` parameter, no blanks, no quotes: what
 * differs raises a flag, what is ambiguous is refused.
 */
export function boundaryOf(
  contentType: string,
  flags: { boundaryQuoted: boolean; boundaryWhitespace: boolean },
): Boundary {
  const lower = contentType.toLowerCase()
  const at = lower.indexOf('boundary')
  if (at < 0) return refuse('boundary is missing in Content-Type')
  if (/boundary\s*=.*boundary\s*=/s.test(lower)) return refuse('several boundaries in Content-Type')
  const before = contentType.slice(0, at).trimEnd()
  if (!before.endsWith(';') && !before.endsWith(',')) {
    return refuse('boundary is no parameter of Content-Type')
  }
  const after = contentType.slice(at + 'boundary'.length)
  const equals = after.indexOf('=')
  if (equals < 0 || after.slice(0, equals).trim() !== '') {
    return refuse('"=" is missing after boundary in Content-Type')
  }
  let value = after.slice(equals + 1)
  if (equals > 0 || value !== value.trimStart()) flags.boundaryWhitespace = true
  value = value.trim()
  if (value.startsWith('"')) {
    flags.boundaryQuoted = true
    const close = value.indexOf('"', 1)
    if (
      close < 0 ||
      value
        .slice(close + 1)
        .trim()
        .replace(/^;.*$/s, '') !== ''
    ) {
      return refuse('invalid boundary in Content-Type (quotation)')
    }
    value = value.slice(1, close)
  } else {
    const end = value.search(/[;,\s]/)
    if (end >= 0) {
      flags.boundaryWhitespace ||= /\s/.test(value)
      value = value.slice(0, end)
    }
    if (value.includes('"')) return refuse('invalid boundary in Content-Type (quotation)')
  }
  if (value === '') return refuse('boundary in Content-Type is empty')
  if (value.length > MAX_BOUNDARY_BYTES) return refuse('boundary in Content-Type is too long')
  if (!/^[0-9A-Za-z'()+_,\-./:=? !#$%&*<>@[\]^`{|}~]+$/.test(value)) {
    return refuse('invalid boundary in Content-Type (characters)')
  }
  return { ok: true, boundary: value }
}

function refuse(message: string): Boundary {
  return { ok: false, message }
}
