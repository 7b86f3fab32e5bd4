import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { HttpExchangeHandler } from '#inspectors/http/exchange-handler.ts'
import { HttpExchangeParser } from '#inspectors/http/exchange-parser.ts'
import type { HttpTransaction } from '#inspectors/http/transaction.ts'
import type { ConnectionInspector, Verdict } from '#inspectors/inspector.ts'
import { TEST_CONNECTION } from '#test/conformance/crs/in-process.ts'
import { wafOf } from './waf-of.ts'

const RULES = `
SecResponseBodyLimit 10
SecResponseBodyMimeType text/plain text/event-stream
SecRequestBodyLimit 10
SecRequestBodyLimitAction ProcessPartial
SecRule RESPONSE_BODY "@contains secret" "id:1,phase:4,deny,status:502,msg:'leak'"
SecRule ARGS "@contains bad" "id:2,phase:2,deny,status:403,msg:'bad'"
`

/** One exchange, step by step: what is held, and the last verdict that was not `pass`. */
class Steps implements HttpExchangeHandler {
  readonly #inspector: ConnectionInspector
  readonly #parser: HttpExchangeParser
  #transaction: HttpTransaction | null = null
  verdict: Verdict['kind'] = 'pass'

  constructor() {
    this.#inspector = wafOf(RULES).open(TEST_CONNECTION)
    this.#parser = new HttpExchangeParser(this, { nextId: () => 'id', now: Date.now })
  }

  client(text: string): this {
    this.#parser.pushClient(Buffer.from(text, 'latin1'))
    return this
  }
  server(text: string): this {
    this.#parser.pushServer(Buffer.from(text, 'latin1'))
    return this
  }
  get holdsRequest(): boolean {
    return this.#inspector.holdsRequestBody(this.#transaction!)
  }
  get holdsResponse(): boolean {
    return this.#inspector.holdsResponseBody(this.#transaction!)
  }

  requestHead(transaction: HttpTransaction): void {
    this.#transaction = transaction
    this.#take(this.#inspector.requestHead(transaction))
  }
  requestBody(transaction: HttpTransaction, chunk: Buffer): void {
    this.#take(this.#inspector.requestBody(transaction, chunk))
  }
  requestEnd(transaction: HttpTransaction): void {
    this.#take(this.#inspector.requestEnd(transaction))
  }
  responseHead(transaction: HttpTransaction): void {
    this.#take(this.#inspector.responseHead(transaction))
  }
  responseBody(transaction: HttpTransaction, chunk: Buffer): void {
    this.#take(this.#inspector.responseBody(transaction, chunk))
  }
  responseEnd(transaction: HttpTransaction): void {
    this.#take(this.#inspector.responseEnd(transaction))
  }
  interimResponse(): void {}
  tunnel(): void {}
  error(): void {}
  #take(verdict: Verdict): void {
    if (verdict.kind !== 'pass') this.verdict = verdict.kind
  }
}

const GET = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n'
const head = (type: string): string =>
  `HTTP/1.1 200 OK\r\nContent-Type: ${type}\r\nTransfer-Encoding: chunked\r\n\r\n`

test('a response is held up to the limit, inspected there, and goes on', () => {
  const steps = new Steps().client(GET).server(`${head('text/plain')}5\r\nhello\r\n`)
  assert.equal(steps.holdsResponse, true)
  steps.server('8\r\n, world!\r\n')
  assert.equal(steps.holdsResponse, false)
  assert.equal(steps.verdict, 'pass')
  const leak = new Steps().client(GET).server(`${head('text/plain')}10\r\na secret and mor\r\n`)
  assert.equal(leak.verdict, 'block')
})

test('events are never held', () => {
  const steps = new Steps().client(GET).server(head('text/event-stream; charset=utf-8'))
  assert.equal(steps.holdsResponse, false)
})

test('of a request over the limit the first part is inspected where rules say so', () => {
  const form = 'Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 1000'
  const post = `POST / HTTP/1.1\r\nHost: a\r\n${form}\r\n\r\n`
  const steps = new Steps().client(`${post}a=1&b`)
  assert.equal(steps.holdsRequest, true)
  steps.client('=2&c=3&d=4')
  assert.equal(steps.holdsRequest, false)
  assert.equal(steps.verdict, 'pass')
  assert.equal(new Steps().client(`${post}a=bad&b=2&c=3`).verdict, 'block')
})
