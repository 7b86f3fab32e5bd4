import type { HttpRequestHead, HttpResponseHead } from '#inspectors/http/transaction.ts'

/** More headers than this are not looked through for names that occur twice. */
const MAX_PLAIN_HEADERS = 48

/**
 * Tells whether the head as sent is its first line and its headers, each name once and as `Name: value`: reading
 * it has changed, joined and left out nothing, so what reading found is a stretch of the bytes sent.
 */
export class PlainHead {
  /** The line of cookies, which `http.header` leaves out; both 0: there is none. */
  cookieStart = 0
  cookieEnd = 0

  /** @returns false also for a head with two kinds of cookies */
  read(head: HttpRequestHead | HttpResponseHead): boolean {
    const { rawLatin1: raw, line, headers } = head
    this.cookieStart = 0
    this.cookieEnd = 0
    const isExact = head.isExact === true
    if (headers.length > MAX_PLAIN_HEADERS || line === '') return false
    if ('status' in head && !line.includes(String(head.status))) return false
    if (!isExact && (!raw.startsWith(line) || !isLineEnd(raw, line.length))) return false
    let at = line.length + 2
    /** Lengths and first letters of the names so far. */
    let seen = 0
    for (let index = 0; index < headers.length; index += 1) {
      const { name, nameLower, value } = headers[index]
      const begin = at
      if (!isExact && !isFieldAt(raw, at, name, value)) return false
      at += name.length + value.length + 4
      const kind = 1 << (nameLower.length * 7 + nameLower.charCodeAt(0))
      if ((seen & kind) !== 0)
        for (let before = 0; before < index; before += 1)
          if (headers[before].nameLower === nameLower) return false
      seen |= kind
      if (nameLower !== 'cookie' && nameLower !== 'set-cookie') continue
      if (this.cookieEnd > 0) return false
      this.cookieStart = begin
      this.cookieEnd = at
    }
    return at + 2 === raw.length && isLineEnd(raw, at)
  }
}

function isFieldAt(raw: string, at: number, name: string, value: string): boolean {
  const colon = at + name.length
  return (
    raw.startsWith(name, at) &&
    raw.charCodeAt(colon) === 0x3a &&
    raw.charCodeAt(colon + 1) === 0x20 &&
    raw.startsWith(value, colon + 2) &&
    isLineEnd(raw, colon + 2 + value.length)
  )
}

function isLineEnd(raw: string, at: number): boolean {
  return raw.charCodeAt(at) === 0x0d && raw.charCodeAt(at + 1) === 0x0a
}
