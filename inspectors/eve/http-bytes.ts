import { headerValue, type HttpHeader, type HttpTransaction } from '../http/transaction.ts'
import {
  httpFields,
  MAX_FIELD_CHARACTERS,
  MAX_QUOTED_HEADERS,
  MAX_URL_CHARACTERS,
  REDACTED,
  SECRET_FIELDS,
  splitHost,
} from './http-fields.ts'
import type { LineBytes } from './line-bytes.ts'

const HOSTNAME = Buffer.from('"hostname":')
const PORT = Buffer.from('"http_port":')
const URL = Buffer.from('"url":')
const USER_AGENT = Buffer.from('"http_user_agent":')
const FORWARDED = Buffer.from('"xff":')
const REFERER = Buffer.from('"http_refer":')
const METHOD = Buffer.from('"http_method":')
const PROTOCOL = Buffer.from('"protocol":')
const LENGTH = Buffer.from('"length":')
const HEADERS = Buffer.from(',"request_headers":[')
const BEGIN = Buffer.from('{')
const COMMA = Buffer.from(',')
const END = Buffer.from(']}')

/**
 * Writes EVE's `http` object: the same bytes as `httpFields` gives, its slow twin, which takes over where there is
 * a response. Clients send the same header fields in the same order, and the parser gives the same objects for
 * them (`recent-fields.ts`), so what became of a field is remembered by its place.
 */
export class HttpBytes {
  readonly #fields: (HttpHeader | null)[] = Array.from({ length: MAX_QUOTED_HEADERS }, () => null)
  readonly #bytes: Buffer[] = []

  add(line: LineBytes, transaction: HttpTransaction): void {
    if (transaction.response !== null) {
      line.add(Buffer.from(JSON.stringify(httpFields(transaction))))
      return
    }
    const { headers, target, method, protocol } = transaction.request
    const { name, port } = splitHost(headerValue(headers, 'host') ?? '')
    line.add(BEGIN)
    addField(line, HOSTNAME, name)
    if (port !== null) {
      line.add(PORT)
      line.addNumber(port)
      line.add(COMMA)
    }
    line.add(URL)
    line.addText(target.slice(0, MAX_URL_CHARACTERS))
    line.add(COMMA)
    addField(line, USER_AGENT, headerValue(headers, 'user-agent'))
    addField(line, FORWARDED, headerValue(headers, 'x-forwarded-for'))
    addField(line, REFERER, headerValue(headers, 'referer'))
    addField(line, METHOD, method)
    addField(line, PROTOCOL, protocol)
    line.add(LENGTH)
    line.addNumber(transaction.responseBodyBytes)
    line.add(HEADERS)
    const count = Math.min(headers.length, MAX_QUOTED_HEADERS)
    for (let at = 0; at < count; at += 1) {
      if (at > 0) line.add(COMMA)
      line.add(this.#field(headers[at], at))
    }
    line.add(END)
  }

  #field(header: HttpHeader, at: number): Buffer {
    if (this.#fields[at] === header) return this.#bytes[at]
    const { name, nameLower, value } = header
    const bytes = Buffer.from(
      JSON.stringify({
        name: name.slice(0, MAX_FIELD_CHARACTERS),
        value: SECRET_FIELDS.has(nameLower) ? REDACTED : value.slice(0, MAX_FIELD_CHARACTERS),
      }),
    )
    this.#fields[at] = header
    this.#bytes[at] = bytes
    return bytes
  }
}

function addField(line: LineBytes, name: Buffer, value: string | null): void {
  if (value === null || value === '') return
  line.add(name)
  line.addText(value.slice(0, MAX_FIELD_CHARACTERS))
  line.add(COMMA)
}
