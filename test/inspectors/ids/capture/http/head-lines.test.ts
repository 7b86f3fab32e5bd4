import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { array, assert as assertProperty, constantFrom, property } from 'fast-check'
import { lenientLines, plainLines } from '#inspectors/ids/capture/http/head-lines.ts'

const PIECES = ['\r\n', '\r\n', '\r\n', '\r', '\n', '\0', ' ', '\t', ':', ': ', '\x0b'].concat(
  ['\xa0', '\x01', 'GET / HTTP/1.1', 'HTTP/1.1 200 OK', 'Host', 'X-A', 'value'],
  ['Host: a', 'Cookie: b; c=d'],
)
const always = (): boolean => true
const isStatus = (line: string): boolean => line.startsWith('HTTP')

describe('lines of a head', () => {
  it('are the same however they are read, where the short way reads them', () => {
    let plain = 0
    const heads = array(constantFrom(...PIECES), { maxLength: 14 }).map(
      (pieces) => `${pieces.join('')}\r\n\r\n`,
    )
    assertProperty(
      property(heads, (raw) => {
        for (const isFirst of [always, isStatus])
          for (const splitsFolds of [false, true]) {
            const short = plainLines(raw, isFirst)
            if (short === null) continue
            plain += 1
            const { first, fields } = lenientLines(raw, isFirst, splitsFolds)
            assert.deepEqual({ first: short.first, fields: short.fields }, { first, fields })
          }
      }),
      { numRuns: 20_000 },
    )
    assert.ok(plain > 500, `${plain} heads were plain`)
  })

  it('takes the short way for a usual head', () => {
    const raw = 'GET /a HTTP/1.1\r\nHost: example.test\r\nAccept:\t*/* \r\nEmpty:\r\n\r\n'
    assert.deepEqual(plainLines(raw, always), {
      first: 'GET /a HTTP/1.1',
      fields: [
        { name: 'Host', nameLower: 'host', value: 'example.test' },
        { name: 'Accept', nameLower: 'accept', value: '*/*' },
        { name: 'Empty', nameLower: 'empty', value: '' },
      ],
      isExact: false,
    })
  })
})
