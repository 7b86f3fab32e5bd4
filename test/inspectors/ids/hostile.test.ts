import assert from 'node:assert/strict'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import * as fc from 'fast-check'
import { createIds } from '#inspectors/ids/ids.ts'
import { BoundedTable } from '#inspectors/ids/state/bounded-table.ts'
import { type Piece, idsOf, play, toClient, toServer } from './drive.ts'

const RULES = join(import.meta.dirname, '../../../signatures/baseline')

const word = fc.constantFrom(
  'GET ',
  'POST ',
  '/',
  '..',
  '%2e',
  '%',
  '?a=',
  ' HTTP/1.1\r\n',
  '\r\n',
  '\r\n\r\n',
  'Host: a\r\n',
  ':',
  ' ',
  'Content-Length: 5\r\n',
  'Transfer-Encoding: chunked\r\n',
  'Content-Encoding: gzip\r\n',
  '5\r\n',
  '0\r\n\r\n',
  'HTTP/1.1 200 OK\r\n',
  '\x16\x03\x01\x00\x05\x01\x00\x00',
  '\x1f\x8b\x08\x00',
  '${jndi:',
  'union select',
  '\x00',
  '\xff',
)
const piece: fc.Arbitrary<Piece> = fc
  .tuple(fc.boolean(), fc.array(word, { minLength: 1, maxLength: 12 }))
  .map(([up, words]) => (up ? toServer(words.join('')) : toClient(words.join(''))))

describe('hostile traffic', () => {
  it('makes no rule of the baseline throw', () => {
    const ids = createIds({ mode: 'detect', rulePaths: [RULES] })
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 10 }), (pieces) => {
        play(ids, pieces)
      }),
      { numRuns: 500 },
    )
  })

  it('makes no byte keyword throw, whatever numbers it reads', () => {
    const number = fc.constantFrom(-70_000, -3, 0, 1, 2, 4, 8, 65_535)
    const keyword = fc.constantFrom(
      (n: number) => `byte_test:4,>,100,${n},relative`,
      (n: number) => `byte_jump:4,${n},relative,little,multiplier 65535`,
      (n: number) => `byte_jump:4,0,from_end,post_offset ${n}`,
      (n: number) => `byte_extract:8,${n},v,relative; content:"a"; distance:v; within:v`,
      (n: number) =>
        `byte_math:bytes 4, offset ${n}, oper <<, rvalue 31, result v; isdataat:v,relative`,
      (n: number) => `base64_decode:offset ${Math.abs(n)},relative; base64_data; content:"a"`,
    )
    fc.assert(
      fc.property(keyword, number, fc.uint8Array({ maxLength: 60 }), (make, n, bytes) => {
        const text = Buffer.from(bytes).toString('latin1')
        const ids = idsOf(`alert tcp any any -> any any (content:"x"; ${make(n)}; sid:1;)`)
        play(ids, [toServer(`x${text}x${text}`)])
      }),
      { numRuns: 300 },
    )
  })
})

describe('tables of hosts', () => {
  it('forget the oldest entry when they are full, and expired ones when asked', () => {
    const table = new BoundedTable<number>(2)
    table.set('a', 1, 100)
    table.set('b', 2, 100)
    table.set('a', 3, 100)
    table.set('c', 4, 50)
    assert.deepEqual([table.get('a', 0), table.get('b', 0), table.get('c', 0)], [3, undefined, 4])
    assert.deepEqual([table.get('c', 50), table.size, table.evicted], [undefined, 1, 1])
  })
})
