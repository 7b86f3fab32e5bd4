import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { type HttpExchangeOptions, HttpExchangeParser } from '#inspectors/http/exchange-parser.ts'
import type { HttpResponseHead } from '#inspectors/http/transaction.ts'
import { Trace } from './trace.ts'

/** Two connections with these have the same limits, so that they share what is remembered. */
const SHARED: HttpExchangeOptions = { nextId: () => 'id', now: () => 0 }

const METHODS = ['GET', 'HEAD', 'CONNECT'] as const
const ANSWERS = [
  'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n',
  'HTTP/1.1 200 OK\r\nContent-Length: 02\r\n\r\n',
  'HTTP/1.1 200 OK\r\nContent-Length: 2, 2\r\n\r\n',
  'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n',
  'HTTP/1.1 200 OK\nContent-Length: 2\n\n',
  'HTTP/1.1 204 None\r\nContent-Length: 2\r\n\r\n',
  'HTTP/1.1 100 Go on\r\n\r\n',
  'HTTP/1.1 304 As it was\r\n\r\n',
  'HTTP/1.0 200 OK\r\n\r\n',
] as const

const exchanges = fc.array(
  fc.record({
    method: fc.constantFrom(...METHODS),
    answer: fc.constantFrom(...ANSWERS),
    isWhole: fc.boolean(),
  }),
  { minLength: 2, maxLength: 8 },
)
type Sent = typeof exchanges extends fc.Arbitrary<(infer Value)[]> ? Value : never

/** One exchange on a connection of its own: what the parser told, and the head of the answer. */
function exchange(
  { method, answer, isWhole }: Sent,
  options: HttpExchangeOptions,
): { lines: string[]; head: HttpResponseHead | null } {
  const trace = new Trace()
  let head: HttpResponseHead | null = null
  const responseHead = trace.responseHead.bind(trace)
  trace.responseHead = (transaction, endOffset) => {
    head = transaction.response
    responseHead(transaction, endOffset)
  }
  const parser = new HttpExchangeParser(trace, options)
  const target = method === 'CONNECT' ? 'a:1' : '/'
  parser.pushClient(Buffer.from(`${method} ${target} HTTP/1.1\r\nHost: a\r\n\r\n`, 'latin1'))
  const bytes = Buffer.from(`${answer}ok`, 'latin1')
  const cut = isWhole ? bytes.length : 9
  parser.pushServer(bytes.subarray(0, cut))
  parser.pushServer(bytes.subarray(cut))
  parser.endServer()
  return { lines: trace.lines, head }
}

test('an answer that came before is read as if it were the first', () => {
  fc.assert(
    fc.property(exchanges, (sent) => {
      for (const one of sent) {
        assert.deepEqual(exchange(one, SHARED), exchange(one, { ...SHARED }))
      }
    }),
    { numRuns: 300 },
  )
})

test('a head is one object for as long as it comes again, and its method and limits are the same', () => {
  const one: Sent = { method: 'GET', answer: ANSWERS[0], isWhole: true }
  const first = exchange(one, SHARED).head
  assert.notEqual(first, null)
  assert.equal(exchange(one, SHARED).head, first)
  assert.notEqual(exchange({ ...one, method: 'HEAD' }, SHARED).head, first)
  assert.notEqual(exchange(one, { ...SHARED }).head, first)
})
