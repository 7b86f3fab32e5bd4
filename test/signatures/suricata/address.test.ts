import assert from 'node:assert/strict'
import { isIPv4 } from 'node:net'
import { describe, it } from 'node:test'
import { array, assert as assertProperty, constantFrom, ipV4, oneof, property } from 'fast-check'
import { addressBytes } from '#signatures/suricata/address.ts'

describe('bytes of an address', () => {
  it('takes for IPv4 what Node does, and nothing else', () => {
    const almost = array(
      constantFrom('0', '1', '25', '255', '256', '01', '.', '..', ' ', '-', 'a', ''),
      { maxLength: 9 },
    ).map((parts) => parts.join(''))
    const parts = array(constantFrom('0', '00', '7', '09', '99', '255', '256', '1e1', ''), {
      minLength: 3,
      maxLength: 5,
    }).map((numbers) => numbers.join('.'))
    assertProperty(
      property(oneof(almost, parts, ipV4()), (text) => {
        const expected = isIPv4(text)
          ? Buffer.from(text.split('.').map(Number)).toString('latin1')
          : null
        assert.equal(addressBytes(text), expected)
      }),
      { numRuns: 3000 },
    )
  })

  it('reads IPv6, shortened and with an IPv4 address at its end', () => {
    assert.equal(addressBytes('::1'), `${'\0'.repeat(15)}\x01`)
    assert.equal(addressBytes('::ffff:1.2.3.4'), `${'\0'.repeat(10)}\xff\xff\x01\x02\x03\x04`)
    assert.equal(addressBytes('fe80::1%eth0'), null)
    assert.equal(addressBytes('1:2:3'), null)
  })
})
