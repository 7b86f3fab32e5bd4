import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import * as fc from 'fast-check'
import {
  lenientRequestLine,
  lenientStatusLine,
  plainRequestLine,
  plainStatusLine,
} from '#inspectors/ids/capture/http/head.ts'

const PARTS = 'G|/| |\t|\0|\xa0|\x0b|\xe9|2|404| OK|http/|HTTP/1.1'.split('|')
const part = fc.constantFrom(...PARTS)
const text = fc.array(part, { maxLength: 8 }).map((parts) => parts.join(''))

describe('first lines of heads', () => {
  it('are the same however they are read, where the short way reads them', () => {
    let count = 0
    const compare = (short: object | null, long: object): void => {
      if (short === null) return
      count += 1
      assert.deepEqual(short, long)
    }
    fc.assert(
      fc.property(text, fc.constantFrom('', ' HTTP/1.1', ' HTTP/1.0'), (begin, end) =>
        compare(plainRequestLine(begin + end), lenientRequestLine(begin + end)),
      ),
      { numRuns: 5000 },
    )
    fc.assert(
      fc.property(fc.constantFrom('', 'HTTP/1.1 ', 'HTTP/1.1 200 '), text, (begin, end) =>
        compare(plainStatusLine(begin + end), lenientStatusLine(begin + end)),
      ),
      { numRuns: 5000 },
    )
    assert.ok(count > 100, `the short way read ${count}`)
  })

  it('take the short way where they are usual', () => {
    assert.deepEqual(plainRequestLine('GET /a b?c HTTP/1.1')?.target, '/a b?c')
    assert.equal(plainStatusLine('HTTP/1.1 404 Not Found')?.reason, 'Not Found')
  })
})
