import assert from 'node:assert/strict'
import { test } from 'node:test'
import { HttpExchangeParser } from '#inspectors/http/exchange-parser.ts'
import type { HttpTransaction } from '#inspectors/http/transaction.ts'
import { Trace } from './trace.ts'

/** An exchange on a connection of its own. @returns null where the request is refused */
function exchange(fields: readonly string[], answer: readonly string[]): HttpTransaction | null {
  const seen: HttpTransaction[] = []
  const trace = new Trace()
  const requestHead = trace.requestHead.bind(trace)
  trace.requestHead = (transaction, endOffset) => {
    seen.push(transaction)
    requestHead(transaction, endOffset)
  }
  const parser = new HttpExchangeParser(trace, { nextId: () => 'id', now: () => 0 })
  parser.pushClient(Buffer.from(`GET / HTTP/1.1\r\n${fields.join('')}\r\n`, 'latin1'))
  parser.pushServer(Buffer.from(`HTTP/1.1 204 No Content\r\n${answer.join('')}\r\n`, 'latin1'))
  return seen.at(-1) ?? null
}

const HOST = 'Host: shop.example\r\n'

test('a line that comes again at its place is one field', () => {
  const [first, second] = [1, 2].map(() => exchange([HOST, 'X-One: 1\r\n'], []))
  assert.equal(first?.request.headers[1], second?.request.headers[1])
  assert.deepEqual(second?.request.headers[1], { name: 'X-One', nameLower: 'x-one', value: '1' })
})

test('another line at a place is read anew, however it begins', () => {
  const values = ['X-One: 1', 'X-One: 12', 'X-One: 1', 'X-One:  1', 'x-one: 1', 'X-On: 1'].map(
    (line) => exchange([HOST, `${line}\r\n`], [])?.request.headers[1],
  )
  assert.deepEqual(
    values.map((field) => `${field?.name}=${field?.value}`),
    ['X-One=1', 'X-One=12', 'X-One=1', 'X-One=1', 'x-one=1', 'X-On=1'],
  )
})

test('what answers may have is not learnt for requests, and an oddity is noted each time', () => {
  const odd = 'X-Odd: a\u0001b\r\n'
  for (let time = 0; time < 3; time += 1) {
    assert.deepEqual(exchange([HOST], [odd, odd])?.anomalies, ['control-character'])
    assert.deepEqual(exchange([HOST], ['Via: x\r\n', odd])?.anomalies, ['control-character'])
  }
  assert.equal(exchange([odd], []), null)
  assert.equal(exchange([HOST, odd], []), null)
})

test('folds of a remembered field do not change it for the next', () => {
  const plain = ['X-Fold: a\r\n']
  const valueOf = (answer: readonly string[]) =>
    exchange([HOST], answer)?.response?.headers[0].value
  assert.deepEqual(
    [valueOf(plain), valueOf([...plain, ' b\r\n']), valueOf(plain)],
    ['a', 'a b', 'a'],
  )
})
