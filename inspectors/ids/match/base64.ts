/**
 * Base64 as the rule language reads it.
 *
 * `rfc4648`: decoding ends at the first character outside the alphabet. `rfc2045`: such characters are left
 * out. `strict`: one of them, or a wrong length, makes the whole undecodable.
 *
 * @returns decoded bytes, latin1; empty when there are none
 */
export function decodeBase64(text: string, mode: 'rfc4648' | 'rfc2045' | 'strict'): string {
  let kept: string
  if (mode === 'rfc2045') kept = text.replaceAll(/[^A-Za-z0-9+/]/g, '')
  else {
    const end = text.search(/[^A-Za-z0-9+/]/)
    kept = end < 0 ? text : text.slice(0, end)
    if (mode === 'strict' && (text.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(text)))
      return ''
  }
  if (kept.length % 4 === 1) kept = kept.slice(0, -1)
  return Buffer.from(kept, 'base64').toString('latin1')
}
