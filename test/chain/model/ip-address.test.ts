import assert from 'node:assert/strict'
import net from 'node:net'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { addressKey, cidrContains, parseAddress, parseCidr } from '#chain/model/ip-address.ts'

test('agrees with node:net on what is an address', () => {
  const text = fc.oneof(
    fc.ipV4(),
    fc.ipV6(),
    fc.stringMatching(/^[0-9a-f:.]{0,20}$/),
    fc.constantFrom(
      '::',
      '::1',
      '1::',
      '1:2:3:4:5:6:7::',
      '::1.2.3.4',
      '1.2.3.04',
      '1:2',
      ':::',
      '',
    ),
  )
  fc.assert(
    fc.property(text, (address) => {
      assert.equal(parseAddress(address) !== null, net.isIP(address) !== 0, address)
    }),
    { numRuns: 2000 },
  )
})

test('one key per address', () => {
  const key = (text: string) => addressKey(parseAddress(text) ?? assert.fail(text))
  assert.equal(key('::ffff:1.2.3.4'), key('1.2.3.4'))
  assert.equal(key('2001:DB8:0::1'), key('2001:db8::0:1'))
  assert.notEqual(key('::1'), key('0.0.0.1'))
})

test('networks contain what their prefix says', () => {
  const contains = (cidr: string, address: string) =>
    cidrContains(
      parseCidr(cidr) ?? assert.fail(cidr),
      parseAddress(address) ?? assert.fail(address),
    )
  assert.ok(contains('0.0.0.0/0', '255.1.2.3'))
  assert.ok(contains('10.1.2.3/8', '10.255.0.1'))
  assert.ok(!contains('10.0.0.0/8', '11.0.0.0'))
  assert.ok(contains('fd00::/8', 'fdff::1'))
  assert.ok(!contains('::/0', '1.2.3.4'))
  for (const wrong of ['1.2.3.4/33', '::/129', '1.2.3.4/', '1.2.3/8', 'x/8', '1.2.3.4/-1']) {
    assert.equal(parseCidr(wrong), null, wrong)
  }
})
