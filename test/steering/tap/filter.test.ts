import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { test } from 'node:test'
import * as fc from 'fast-check'
import type { Classifier } from '#chain/model/attachment.ts'
import { captureFilter } from '#steering/tap/filter.ts'

const MAC = 0x02163e000001n

test('both directions of what a classifier describes are kept', () => {
  const classifiers: Classifier[] = [
    { protocol: 'udp', destinationPorts: [53, { from: 8000, to: 8100 }], remote: '192.0.2.0/24' },
  ]
  assert.equal(
    captureFilter({ direction: 'ingress', classifiers }, MAC),
    '(ether dst 02:16:3e:00:00:01 and udp and src net 192.0.2.0/24 and (dst port 53 or dst portrange 8000-8100)) or ' +
      '(ether src 02:16:3e:00:00:01 and udp and dst net 192.0.2.0/24 and (src port 53 or src portrange 8000-8100)) or ' +
      '(ip[6:2] & 0x3fff != 0) or (ip6[6] = 44)',
  )
  assert.match(
    captureFilter({ direction: 'egress', classifiers }, MAC) ?? '',
    /^\(ether src \S+ and udp and dst net 192\.0\.2\.0\/24 and \(dst port 53/,
  )
})

test('everything needs no filter; what is no address gives none', () => {
  const any: Classifier = { protocol: 'any', destinationPorts: 'any' }
  assert.equal(captureFilter({ direction: 'ingress', classifiers: [any] }, MAC), '')
  assert.equal(
    captureFilter({ direction: 'ingress', classifiers: [{ ...any, remote: 'or tcp' }] }, MAC),
    null,
  )
})

const hasTcpdump = spawnSync('tcpdump', ['--version']).status === 0
test('tcpdump compiles whatever is built', { skip: !hasTcpdump }, () => {
  const port = fc.integer({ min: 1, max: 65_535 })
  const entry = fc.oneof(
    port,
    fc.tuple(port, port).map(([a, b]) => ({ from: Math.min(a, b), to: Math.max(a, b) })),
  )
  const classifier = fc.record({
    protocol: fc.constantFrom('tcp' as const, 'udp' as const, 'icmp' as const, 'any' as const),
    destinationPorts: fc.array(entry, { minLength: 1, maxLength: 4 }),
    remote: fc.constantFrom(undefined, '10.0.0.0/8', '192.0.2.7', 'fd00::/8', '2001:db8::1'),
  })
  fc.assert(
    fc.property(
      fc.array(classifier, { minLength: 1, maxLength: 4 }),
      fc.constantFrom('ingress' as const, 'egress' as const),
      (sketches, direction) => {
        const classifiers = sketches.map(({ remote, ...one }) => ({
          ...one,
          ...(one.protocol === 'icmp' || one.protocol === 'any'
            ? { destinationPorts: 'any' as const }
            : {}),
          ...(remote === undefined ? {} : { remote }),
        }))
        const filter = captureFilter({ direction, classifiers }, MAC)
        assert.ok(filter !== null)
        const result = spawnSync('tcpdump', [
          '-y',
          'EN10MB',
          '-d',
          ...(filter === '' ? [] : [filter]),
        ])
        assert.equal(result.status, 0, `${filter}: ${String(result.stderr)}`)
      },
    ),
    { numRuns: 25 },
  )
})
