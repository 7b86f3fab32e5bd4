import assert from 'node:assert/strict'
import { test } from 'node:test'
import { plainAddress } from '#inspectors/proxy/address.ts'

test('v4-mapped addresses become IPv4, others stay', () => {
  assert.equal(plainAddress('::ffff:10.0.0.1'), '10.0.0.1')
  for (const same of ['10.0.0.1', 'fd00::1', '::1', '::ffff:0:1']) {
    assert.equal(plainAddress(same), same)
  }
})
