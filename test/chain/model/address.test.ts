import assert from 'node:assert/strict'
import { test } from 'node:test'
import { assert as check, integer, ipV4, ipV6, oneof, property } from 'fast-check'
import {
  hasHostBits,
  networkText,
  parsePrefix,
  prefixesOverlap,
  unusableAddress,
} from '#chain/model/address.ts'

test('malformed and misleading spellings are refused', () => {
  for (const text of [
    '',
    '10.0.0',
    '10.0.0.256',
    '010.0.0.1',
    '10.0.0.1/33',
    '10.0.0.0/08',
    '10.0.0.0/',
    '/8',
    '::1::',
    'fe80::1%eth0',
    '::ffff:10.0.0.1',
    '2001:db8::/129',
    'web',
    '10.0.0.1/8/8',
  ]) {
    assert.equal(parsePrefix(text), null, text)
  }
})

test('host bits are seen, and the network without them named', () => {
  for (const [text, network] of [
    ['10.0.0.5/24', '10.0.0.0/24'],
    ['2001:db8::5/32', '2001:db8::/32'],
    ['2001:db8:0:0:1:0:0:1/112', '2001:db8:0:0:1::/112'],
    ['fe80::1/0', '::/0'],
  ]) {
    const prefix = parsePrefix(text)!
    assert.ok(hasHostBits(prefix), text)
    assert.equal(networkText(prefix), network)
    assert.ok(!hasHostBits(parsePrefix(network)!))
  }
})

test('a network overlaps every address in it and no other', () => {
  check(
    property(oneof(ipV4(), ipV6()), integer({ min: 0, max: 32 }), (address, length) => {
      const whole = parsePrefix(address)
      if (whole === null) return
      const network = parsePrefix(networkText({ ...whole, prefix: length }))!
      assert.ok(prefixesOverlap(network, whole))
      assert.ok(prefixesOverlap(whole, network))
      if (length === 0) return
      const bits = whole.family === 4 ? 32n : 128n
      const elsewhere = { ...whole, value: whole.value ^ (1n << (bits - BigInt(length))) }
      assert.ok(!prefixesOverlap(network, elsewhere))
    }),
  )
})

test('addresses at which no connection ends are known', () => {
  for (const text of [
    '224.0.0.1',
    '239.0.0.0/8',
    'ff02::1',
    '0.0.0.0',
    '::',
    '127.0.0.1',
    '::1',
    '255.255.255.255',
  ]) {
    assert.notEqual(unusableAddress(parsePrefix(text)!), null, text)
  }
  for (const text of ['0.0.0.0/0', '::/0', '10.0.0.0/8', '169.254.169.254', 'fe80::1']) {
    assert.equal(unusableAddress(parsePrefix(text)!), null, text)
  }
})
