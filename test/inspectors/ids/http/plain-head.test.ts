import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import * as fc from 'fast-check'
import { readRequestHead, readResponseHead } from '#inspectors/ids/capture/http/head.ts'
import { HttpExchangeParser } from '#inspectors/http/exchange-parser.ts'
import { PlainHead } from '#inspectors/ids/http/plain-head.ts'
import type { HttpRequestHead, HttpResponseHead } from '#inspectors/http/transaction.ts'
import { byteByByte, Trace } from '#test/inspectors/http/trace.ts'

const LINES = [
  'Host: a',
  'host: b',
  'X-One: a',
  'X-Two: b',
  'X-Two:  b',
  'X-Two:b',
  'X-Two: b ',
  'X-Two : b',
  'Empty:',
  'Empty: ',
  'Cookie: a=1',
  'Set-Cookie: a=1',
  'no colon',
  ' folded: x',
  'Nul: \0',
]
const FIRST = [
  'GET / HTTP/1.1',
  'GET / HTTP/1.1 ',
  '\tGET /',
  'HTTP/1.1 200 OK',
  'HTTP/1.1 0200 OK',
  '',
]
const heads = fc
  .record({
    first: fc.constantFrom(...FIRST),
    lines: fc.array(fc.constantFrom(...LINES), { maxLength: 6 }),
    end: fc.constantFrom('\r\n', '\r\n', '\r\n', '\n', '\r\r\n'),
  })
  .map(({ first, lines, end }) => [first, ...lines, '', ''].join(end))

/** Counts the heads that are told to be exact, and compares each head with one of which nothing is told. */
class Comparison {
  exact = 0

  check(head: HttpRequestHead | HttpResponseHead): void {
    if (head.isExact === true) this.exact += 1
    const told = new PlainHead()
    const looked = new PlainHead()
    const expected = looked.read({ ...head, isExact: false })
    assert.equal(told.read(head), expected)
    if (!expected) return
    assert.equal(told.cookieStart, looked.cookieStart)
    assert.equal(told.cookieEnd, looked.cookieEnd)
  }
}

describe('plain head', () => {
  it('is the same whether who reads the heads of a capture says how they are or not', () => {
    const comparison = new Comparison()
    fc.assert(
      fc.property(heads, (raw) => {
        comparison.check(readRequestHead(raw))
        comparison.check(readResponseHead(raw, 'GET'))
      }),
      { numRuns: 3000 },
    )
    assert.ok(comparison.exact > 200, `${comparison.exact} heads were told to be exact`)
  })

  it('is the same whether who reads the heads in line says how they are or not', () => {
    const comparison = new Comparison()
    const lines = fc.array(fc.constantFrom(...LINES, '\tfolded'), { maxLength: 4 })
    const ends = fc.constantFrom('\r\n', '\r\n', '\n')
    fc.assert(
      fc.property(lines, lines, ends, fc.boolean(), (asked, answered, end, isCut) => {
        const trace = new Trace()
        const parser = new HttpExchangeParser(trace, { nextId: () => 'id', now: () => 0 })
        trace.requestHead = ({ request }) => comparison.check(request)
        trace.responseHead = ({ response }) => comparison.check(response!)
        const request = ['GET / HTTP/1.1', 'Host: a', ...asked, '', ''].join('\r\n')
        const response = ['HTTP/1.1 204 No Content', ...answered, '', ''].join(end)
        const pieces = (text: string): Buffer[] =>
          isCut ? byteByByte(Buffer.from(text, 'latin1')) : [Buffer.from(text, 'latin1')]
        for (const piece of pieces(request)) parser.pushClient(piece)
        for (const piece of pieces(response)) parser.pushServer(piece)
      }),
      { numRuns: 3000 },
    )
    assert.ok(comparison.exact > 200, `${comparison.exact} heads were told to be exact`)
  })

  it('finds the line of cookies', () => {
    const head = readRequestHead('GET / HTTP/1.1\r\nHost: a\r\nCookie: b=c\r\nX: y\r\n\r\n')
    const plain = new PlainHead()
    assert.equal(head.isExact, true)
    assert.equal(plain.read(head), true)
    assert.equal(head.rawLatin1.slice(plain.cookieStart, plain.cookieEnd), 'Cookie: b=c\r\n')
  })
})
