import assert from 'node:assert/strict'
import { test } from 'node:test'
import { lossesIn } from '#inspectors/tap/capture-losses.ts'

test('losses are read from what tcpdump says when asked and when it ends', () => {
  assert.deepEqual(
    lossesIn(
      'tcpdump: 12 packets captured, 14 packets received by filter, 2 packets dropped by kernel',
    ),
    { kernel: 2, interface: 0 },
  )
  assert.deepEqual(lossesIn('1 packet dropped by kernel'), { kernel: 1, interface: 0 })
  assert.deepEqual(lossesIn('3 packets dropped by interface'), { kernel: 0, interface: 3 })
  assert.equal(lossesIn('tcpdump: listening on tap0, link-type EN10MB (Ethernet)'), null)
  assert.equal(lossesIn(''), null)
})
