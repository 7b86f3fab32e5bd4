import { headerValue, type HttpHeader, type HttpTransaction } from '../http/transaction.ts'

/** Bounds of what an alert record quotes from a request. */
export const MAX_URL_CHARACTERS = 2_048
export const MAX_FIELD_CHARACTERS = 512
export const MAX_QUOTED_HEADERS = 32

/** Values that would let a reader of alerts act as the user they are about. */
const SECRET = new Set([
  'authorization',
  'proxy-authorization',
  'cookie',
  'set-cookie',
  'x-api-key',
])
const REDACTED = '(withheld)'

const cut = (text: string, limit: number): string =>
  text.length <= limit ? text : text.slice(0, limit)

/** EVE's `http` object, by Suricata's field names. Text is latin1: one character is one byte. */
export function httpFields(transaction: HttpTransaction): Record<string, unknown> {
  const { request, response } = transaction
  const fields: Record<string, unknown> = {}
  const set = (name: string, value: string | null): void => {
    if (value !== null && value !== '') fields[name] = cut(value, MAX_FIELD_CHARACTERS)
  }
  const host = headerValue(request.headers, 'host')
  set('hostname', host === null ? null : host.replace(/:\d*$/, ''))
  const port = host === null ? null : /:(\d{1,5})$/.exec(host)
  if (port !== null) fields.http_port = Number(port[1])
  fields.url = cut(request.target, MAX_URL_CHARACTERS)
  set('http_user_agent', headerValue(request.headers, 'user-agent'))
  set('xff', headerValue(request.headers, 'x-forwarded-for'))
  set('http_refer', headerValue(request.headers, 'referer'))
  set('http_method', request.method)
  set('protocol', request.protocol)
  if (response !== null) {
    set('http_content_type', headerValue(response.headers, 'content-type'))
    fields.status = response.status
    set('redirect', headerValue(response.headers, 'location'))
  }
  fields.length = transaction.responseBodyBytes
  fields.request_headers = quoted(request.headers)
  if (response !== null) fields.response_headers = quoted(response.headers)
  return fields
}

function quoted(headers: readonly HttpHeader[]): { name: string; value: string }[] {
  return headers.slice(0, MAX_QUOTED_HEADERS).map(({ name, nameLower, value }) => ({
    name: cut(name, MAX_FIELD_CHARACTERS),
    value: SECRET.has(nameLower) ? REDACTED : cut(value, MAX_FIELD_CHARACTERS),
  }))
}
