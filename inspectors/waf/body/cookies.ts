import { Entry } from '../values/entry.ts'

/** Cookies of one `Cookie` field: pairs between semicolons, values as sent (version 0, RFC 6265). */
export function parseCookies(fieldLatin1: string, into: Entry[], limit: number): void {
  let from = 0
  while (from < fieldLatin1.length && into.length < limit) {
    const found = fieldLatin1.indexOf(';', from)
    const end = found < 0 ? fieldLatin1.length : found
    let start = from
    while (start < end && isBlank(fieldLatin1.charCodeAt(start))) start += 1
    if (start < end) {
      const equals = fieldLatin1.indexOf('=', start)
      const hasValue = equals >= 0 && equals < end
      const name = fieldLatin1.slice(start, hasValue ? equals : end)
      into.push(new Entry(name, hasValue ? fieldLatin1.slice(equals + 1, end) : ''))
    }
    from = end + 1
  }
}

function isBlank(code: number): boolean {
  return code === 0x20 || (code >= 0x09 && code <= 0x0d)
}
