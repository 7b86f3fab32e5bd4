import type { QuotedHttp } from '../inspector.ts'
import { headerValue, type HttpHeader, type HttpTransaction } from '../http/transaction.ts'

/** Bounds of what an alert record quotes from a request. */
export const MAX_URL_CHARACTERS = 2_048
export const MAX_FIELD_CHARACTERS = 512
export const MAX_QUOTED_HEADERS = 32

/** Values that would let a reader of alerts act as the user they are about. */
export const SECRET_FIELDS: ReadonlySet<string> = new Set([
  'authorization',
  'proxy-authorization',
  'cookie',
  'set-cookie',
  'x-api-key',
])
export const REDACTED = '(withheld)'

/**
 * EVE's `http` object, by Suricata's field names. Text is latin1: one character is one byte.
 *
 * @param quoted in place of what was sent, where values of it are withheld
 */
export function httpFields(
  transaction: HttpTransaction,
  quoted?: QuotedHttp,
): Record<string, unknown> {
  const { request, response } = transaction
  const target = quoted?.target ?? request.target
  const requestHeaders = quoted?.requestHeaders ?? request.headers
  const responseHeaders = quoted?.responseHeaders ?? response?.headers ?? []
  const fields: Record<string, unknown> = {}
  const set = (name: string, value: string | null): void => {
    if (value !== null && value !== '') fields[name] = value.slice(0, MAX_FIELD_CHARACTERS)
  }
  const host = headerValue(requestHeaders, 'host')
  const { name, port } = splitHost(host ?? '')
  set('hostname', name)
  if (port !== null) fields.http_port = port
  fields.url = target.slice(0, MAX_URL_CHARACTERS)
  set('http_user_agent', headerValue(requestHeaders, 'user-agent'))
  set('xff', headerValue(requestHeaders, 'x-forwarded-for'))
  set('http_refer', headerValue(requestHeaders, 'referer'))
  set('http_method', request.method)
  set('protocol', request.protocol)
  if (response !== null) {
    set('http_content_type', headerValue(responseHeaders, 'content-type'))
    fields.status = response.status
    set('redirect', headerValue(responseHeaders, 'location'))
  }
  fields.length = transaction.responseBodyBytes
  fields.request_headers = listed(requestHeaders)
  if (response !== null) fields.response_headers = listed(responseHeaders)
  return fields
}

/** Name and port of a `Host` field; null: it tells none. */
export function splitHost(host: string): { readonly name: string; readonly port: number | null } {
  if (!host.includes(':')) return { name: host, port: null }
  const port = /:(\d{1,5})$/.exec(host)
  return { name: host.replace(/:\d*$/, ''), port: port === null ? null : Number(port[1]) }
}

function listed(headers: readonly HttpHeader[]): { name: string; value: string }[] {
  return headers.slice(0, MAX_QUOTED_HEADERS).map(({ name, nameLower, value }) => ({
    name: name.slice(0, MAX_FIELD_CHARACTERS),
    value: SECRET_FIELDS.has(nameLower) ? REDACTED : value.slice(0, MAX_FIELD_CHARACTERS),
  }))
}
