import assert from 'node:assert/strict'
import { isIP } from 'node:net'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { contains, parseMac, parsePrefix } from '#steering/flows/address.ts'
import type { DesiredSteering } from '#steering/flows/desired.ts'
import { isWanted } from '#steering/flows/is-wanted.ts'
import { renderFlow } from '#steering/flows/render.ts'
import { resolve } from '#steering/flows/resolve.ts'

const ids = {
  zonesOf: () => 16_384,
  numberOf: () => 1,
  isLearning: () => false,
  isListening: () => true,
}
const options = { firstTable: 100, entryPriority: 60_000 }

const sound: DesiredSteering = {
  generation: 1,
  domains: [{ key: 'd', ofport: 5, mac: '02:00:00:00:00:05' }],
  ports: [
    {
      key: 'p',
      ofport: 3,
      mac: '02:00:00:00:00:03',
      vlan: 7,
      addresses: ['10.0.0.2', 'fd00::/64'],
      domain: 'd',
    },
  ],
  attachments: [
    {
      key: 'a',
      port: 'p',
      direction: 'ingress',
      classifiers: [{ protocol: 'tcp', destinationPorts: [80], remote: '10.0.0.0/8' }],
      priority: 1,
      onAttach: 'new-only',
      onFailure: 'open',
      isDraining: false,
    },
  ],
  switchPorts: [],
}
const [port] = sound.ports
const [attachment] = sound.attachments

test('refuses, by name and reason, what cannot be enforced, and nothing else', () => {
  assert.deepEqual(resolve(sound, options, ids).refused, [])
  const cases: [Partial<DesiredSteering>, RegExp][] = [
    [{ domains: [] }, /inspection domain/],
    [{ ports: [] }, /port is not given/],
    [{ ports: [{ ...port, ofport: 70_000 }] }, /no OpenFlow port/],
    [{ ports: [{ ...port, vlan: 4095 }] }, /no VLAN/],
    [{ ports: [{ ...port, mac: 'x' }] }, /MAC address/],
    [{ ports: [{ ...port, addresses: ['10.0.0.2,actions=drop'] }] }, /address that is none/],
    [
      {
        attachments: [
          {
            ...attachment,
            classifiers: [{ protocol: 'tcp', destinationPorts: 'any', remote: '1.2.3.4/33' }],
          },
        ],
      },
      /remote is no address/,
    ],
  ]
  for (const [change, reason] of cases) {
    const { state, refused } = resolve({ ...sound, ...change }, options, ids)
    assert.equal(refused[0]?.attachment, 'a')
    assert.match(refused[0].reason, reason)
    assert.deepEqual([state.attachments, state.ports], [[], []])
  }
})

test('more ports than can be told apart by conntrack may not share an address', () => {
  const ports = Array.from({ length: 5 }, (_, index) => ({ ...port, key: `p${index}` }))
  const attachments = ports.map(({ key }) => ({ ...attachment, key, port: key }))
  assert.equal(resolve({ ...sound, ports, attachments }, options, ids).refused.length, 5)
  const four = { ports: ports.slice(0, 4), attachments: attachments.slice(0, 4) }
  assert.deepEqual(resolve({ ...sound, ...four }, options, ids).refused, [])
})

test('prefixes: what is read is what is meant', () => {
  fc.assert(
    fc.property(fc.oneof(fc.ipV4(), fc.ipV6()), fc.nat({ max: 128 }), (address, length) => {
      const family = isIP(address)
      const prefix = parsePrefix(`${address}/${length}`)
      if (length > (family === 4 ? 32 : 128)) {
        assert.equal(prefix, null)
        return
      }
      assert.equal(prefix?.family, family)
      assert.ok(contains(prefix, parsePrefix(address)!))
    }),
  )
  assert.deepEqual(parsePrefix('fd00::ffff:10.0.0.1'), parsePrefix('fd00::ffff:a00:1'))
  for (const bad of ['', '10.0.0', '10.0.0.1/', '10.0.0.1/x', 'fe80::1%eth0', '10.0.0.1/8/8'])
    assert.equal(parsePrefix(bad), null)
  assert.equal(parseMac('02:16:3E:00:00:01'), 0x0216_3e00_0001n)
  assert.equal(parseMac('02:16:3e:00:00'), null)
})

test('a number that does not fit its field is an error, not another flow', () => {
  const flow = { table: 1, priority: 1, cookie: 0, match: [], actions: [] }
  assert.throws(() => renderFlow({ ...flow, table: 255 }), RangeError)
  assert.throws(() => renderFlow({ ...flow, priority: 65_536 }), RangeError)
  assert.throws(() => renderFlow({ ...flow, match: [{ on: 'inPort', port: 1.5 }] }), RangeError)
  assert.throws(() => renderFlow({ ...flow, actions: [{ do: 'output', port: 0 }] }), RangeError)
})

test('a connection is wanted from whichever end it is seen', () => {
  const tuple = {
    family: 4,
    sourceAddress: '10.1.1.1',
    sourcePort: 4000,
    destinationAddress: '10.0.0.2',
    destinationPort: 80,
  } as const
  const turned = {
    family: 4,
    sourceAddress: tuple.destinationAddress,
    sourcePort: tuple.destinationPort,
    destinationAddress: tuple.sourceAddress,
    destinationPort: tuple.sourcePort,
  } as const
  assert.equal(isWanted(attachment, tuple), true)
  assert.equal(isWanted(attachment, turned), true)
  assert.equal(isWanted(attachment, { ...tuple, destinationPort: 81 }), false)
  assert.equal(isWanted(attachment, { ...tuple, sourceAddress: '11.1.1.1' }), false)
})
