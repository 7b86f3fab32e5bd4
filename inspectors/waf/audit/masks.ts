import type { HttpHeader } from '#inspectors/http/transaction.ts'
import { urlDecode } from '../body/url-decode.ts'
import { queryArguments } from '../transaction/body-collections.ts'
import type { Secret } from '../transaction/secret.ts'
import type { Transaction } from '../transaction/transaction.ts'

export interface AuditHeader {
  readonly name: string
  readonly value: string
}

/** Fields that hold all cookies: a cookie that is secret makes the field one. */
const COOKIE_FIELDS: ReadonlySet<string> = new Set(['cookie', 'set-cookie'])
const WITHHELD = '(masked)'

/**
 * What `sanitise...` actions of a transaction leave of its texts. Values that are named are replaced by
 * asterisks wherever they stand: in the target, in a form, in a field, and in what rules say of them. A
 * body in which the place of a value is not known (JSON, XML, multipart) is withheld whole.
 */
export class Masks {
  readonly #byVariable = new Map<string, Secret>()
  readonly #hasSecretArguments: boolean
  /** Values as rules quote them, the longest first. */
  readonly #values: readonly (readonly [text: string, secret: Secret])[]
  readonly #transaction: Transaction

  constructor(transaction: Transaction) {
    this.#transaction = transaction
    for (const secret of transaction.secrets ?? []) {
      this.#byVariable.set(canonical(secret.variable), secret)
    }
    this.#hasSecretArguments = [...this.#byVariable.keys()].some((name) => name.startsWith('ARGS'))
    this.#values = this.#byVariable.size === 0 ? [] : this.#secretValues()
  }

  /** A decoded value of an argument. */
  argument(nameLower: string, value: string): string {
    const secret = this.#byVariable.get(`ARGS:${nameLower}`)
    return secret === undefined ? value : masked(value, secret)
  }

  target(target: string): string {
    const mark = target.indexOf('?')
    if (mark < 0 || !this.#hasSecretArguments) return target
    return target.slice(0, mark + 1) + this.#form(target.slice(mark + 1))
  }

  requestBody(body: string): string {
    if (body === '' || this.#byVariable.size === 0) return body
    if (this.#byVariable.has('REQUEST_BODY') || this.#hasVariable('XML')) return WITHHELD
    if (!this.#hasSecretArguments) return body
    return this.#transaction.processor === 'URLENCODED' ? this.#form(body) : WITHHELD
  }

  responseBody(body: string): string {
    return this.#byVariable.has('RESPONSE_BODY') ? WITHHELD : body
  }

  headers(
    collection: 'REQUEST_HEADERS' | 'RESPONSE_HEADERS',
    headers: readonly HttpHeader[],
  ): AuditHeader[] {
    return headers.map(({ name, nameLower, value }) => {
      const secret = this.#byVariable.get(`${collection}:${nameLower}`)
      if (secret !== undefined) return { name, value: masked(value, secret) }
      const holdsSecret = COOKIE_FIELDS.has(nameLower) && this.#hasVariable('REQUEST_COOKIES:')
      return { name, value: holdsSecret ? WITHHELD : this.text(value) }
    })
  }

  /** Text that may quote a secret value: a message, a Referer. */
  text(text: string): string {
    let result = text
    for (const [value, secret] of this.#values) {
      if (result.includes(value)) result = result.replaceAll(value, masked(value, secret))
    }
    return result
  }

  #hasVariable(prefix: string): boolean {
    return [...this.#byVariable.keys()].some((name) => name.startsWith(prefix))
  }

  #form(text: string): string {
    const separator = this.#transaction.configuration.argumentSeparator
    return text
      .split(separator)
      .map((pair) => {
        const equals = pair.indexOf('=')
        if (equals < 0) return pair
        const name = urlDecode(pair.slice(0, equals)).toLowerCase()
        const secret = this.#byVariable.get(`ARGS:${name}`)
        return secret === undefined
          ? pair
          : `${pair.slice(0, equals)}=${masked(pair.slice(equals + 1), secret)}`
      })
      .join(separator)
  }

  #secretValues(): (readonly [string, Secret])[] {
    const { http, hits } = this.#transaction
    const found = new Map<string, Secret>()
    const add = (variable: string, value: string): void => {
      const secret = this.#byVariable.get(variable)
      if (secret !== undefined && value !== '') found.set(value, secret)
    }
    const all = [...queryArguments(this.#transaction), ...this.#transaction.bodyArguments]
    for (const { nameLower, value } of all) add(`ARGS:${nameLower}`, value)
    for (const { nameLower, value } of http.request.headers) {
      add(`REQUEST_HEADERS:${nameLower}`, value)
    }
    for (const { nameLower, value } of http.response?.headers ?? []) {
      add(`RESPONSE_HEADERS:${nameLower}`, value)
    }
    // What a rule saw of it may be transformed.
    for (const match of hits.flatMap((hit) => hit.matches)) {
      add(canonical(match.variable), match.valueLatin1)
    }
    return [...found].sort(([left], [right]) => right.length - left.length)
  }
}

/** Arguments of query and body are masked alike, whichever collection named them. */
function canonical(variable: string): string {
  const colon = variable.indexOf(':')
  const name = colon < 0 ? '' : variable.slice(colon).toLowerCase()
  const collection = colon < 0 ? variable : variable.slice(0, colon)
  return collection.replace(/^ARGS_(?:GET|POST)$/, 'ARGS') + name
}

function masked(value: string, { bytes }: Secret): string {
  if (bytes === null || !value.includes(bytes.text)) return '*'.repeat(value.length)
  const { text, keepFirst, keepLast } = bytes
  const hidden = Math.max(0, text.length - keepFirst - keepLast)
  const last = text.slice(Math.min(text.length, keepFirst) + hidden)
  return value.replaceAll(text, () => text.slice(0, keepFirst) + '*'.repeat(hidden) + last)
}
