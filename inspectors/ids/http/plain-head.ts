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
    if (headers.length > MAX_PLAIN_HEADERS || line === '' || !raw.startsWith(line)) return false
    if ('status' in head && !line.includes(String(head.status))) return false
    if (!isLineEnd(raw, line.length)) return false
    let at = line.length + 2
    for (let index = 0; index < headers.length; index += 1) {
      const { name, nameLower, value } = headers[index]
      const begin = at
      if (!raw.startsWith(name, at)) return false
      at += name.length
      if (raw.charCodeAt(at) !== 0x3a || raw.charCodeAt(at + 1) !== 0x20) return false
      at += 2
      if (!raw.startsWith(value, at) || !isLineEnd(raw, at + value.length)) return false
      at += value.length + 2
      for (let before = 0; before < index; before += 1)
        if (headers[before].nameLower === nameLower) return false
      if (nameLower !== 'cookie' && nameLower !== 'set-cookie') continue
      if (this.cookieEnd > 0) return false
      this.cookieStart = begin
      this.cookieEnd = at
    }
    return at + 2 === raw.length && isLineEnd(raw, at)
  }
}

function isLineEnd(raw: string, at: number): boolean {
  return raw.charCodeAt(at) === 0x0d && raw.charCodeAt(at + 1) === 0x0a
}
