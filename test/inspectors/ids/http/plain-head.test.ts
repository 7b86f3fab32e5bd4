import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import * as fc from 'fast-check'
import { readRequestHead, readResponseHead } from '#inspectors/ids/capture/http/head.ts'
import { PlainHead } from '#inspectors/ids/http/plain-head.ts'
import type { HttpRequestHead, HttpResponseHead } from '#inspectors/http/transaction.ts'

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

describe('plain head', () => {
  it('is the same whether who read the head says how it is or not', () => {
    let exact = 0
    const check = (head: HttpRequestHead | HttpResponseHead): void => {
      if (head.isExact === true) exact += 1
      const told = new PlainHead()
      const looked = new PlainHead()
      const expected = looked.read({ ...head, isExact: false })
      assert.equal(told.read(head), expected)
      if (!expected) return
      assert.equal(told.cookieStart, looked.cookieStart)
      assert.equal(told.cookieEnd, looked.cookieEnd)
    }
    fc.assert(
      fc.property(heads, (raw) => {
        check(readRequestHead(raw))
        check(readResponseHead(raw, 'GET'))
      }),
      { numRuns: 3000 },
    )
    assert.ok(exact > 200, `${exact} heads were told to be exact`)
  })

  it('finds the line of cookies', () => {
    const head = readRequestHead('GET / HTTP/1.1\r\nHost: a\r\nCookie: b=c\r\nX: y\r\n\r\n')
    const plain = new PlainHead()
    assert.equal(head.isExact, true)
    assert.equal(plain.read(head), true)
    assert.equal(head.rawLatin1.slice(plain.cookieStart, plain.cookieEnd), 'Cookie: b=c\r\n')
  })
})
