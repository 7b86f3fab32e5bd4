import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import type { Attachment } from '#chain/model/attachment.ts'
import type { Port } from '#chain/model/port.ts'
import { indexAttachments, resolveAttachments } from '#chain/model/resolve-attachments.ts'

const port = (id: string, ...addresses: string[]): Port => ({
  id,
  tenant: 't',
  network: 'n',
  interfaceId: id,
  addresses,
})

const attachment = (id: string, fields: Partial<Attachment> = {}): Attachment => ({
  id,
  tenant: 't',
  port: 'web',
  chain: 'c',
  direction: 'ingress',
  classifiers: [{ protocol: 'tcp', destinationPorts: [80] }],
  priority: 100,
  onAttach: 'new-only',
  onDetach: 'drain',
  ...fields,
})

const ports = [
  port('web', '10.0.0.2', 'fd00::2', '192.168.7.0/24'),
  port('client', '10.0.0.1', 'FD00:0:0::1'),
]

function resolved(attachments: Attachment[], client: string, server: string, serverPort: number) {
  const found = resolveAttachments(indexAttachments(ports, attachments), client, server, serverPort)
  return [found.egress?.attachment.id ?? null, found.ingress?.attachment.id ?? null]
}

test('finds the egress attachment of the client and the ingress attachment of the server', () => {
  const both = [
    attachment('in'),
    attachment('out', { port: 'client', direction: 'egress' }),
    attachment('out-of-web', { direction: 'egress' }),
  ]
  assert.deepEqual(resolved(both, '10.0.0.1', '10.0.0.2', 80), ['out', 'in'])
  assert.deepEqual(resolved(both, '10.9.9.9', '10.0.0.2', 80), [null, 'in'])
  assert.deepEqual(resolved(both, '10.0.0.1', '8.8.8.8', 80), ['out', null])
  assert.deepEqual(resolved(both, '10.0.0.2', '8.8.8.8', 80), ['out-of-web', null])
  assert.deepEqual(resolved(both, '10.0.0.1', '10.0.0.2', 81), [null, null])
})

test('addresses match however they are spelt', () => {
  assert.deepEqual(resolved([attachment('in')], '::ffff:10.0.0.1', '::ffff:10.0.0.2', 80), [
    null,
    'in',
  ])
  assert.deepEqual(resolved([attachment('in')], 'fe80::1%eth0', 'fd00:0::2', 80), [null, 'in'])
  const out = attachment('out', { port: 'client', direction: 'egress' })
  assert.deepEqual(resolved([out], 'fd00::1', '2001:db8::1', 80), ['out', null])
})

test('ranges, any, remote networks and address blocks', () => {
  const range = attachment('range', {
    classifiers: [{ protocol: 'tcp', destinationPorts: [{ from: 8000, to: 8010 }] }],
  })
  assert.deepEqual(resolved([range], '1.1.1.1', '10.0.0.2', 8010), [null, 'range'])
  assert.deepEqual(resolved([range], '1.1.1.1', '10.0.0.2', 8011), [null, null])
  const remote = attachment('remote', {
    classifiers: [{ protocol: 'tcp', destinationPorts: 'any', remote: '172.16.0.0/12' }],
  })
  assert.deepEqual(resolved([remote], '172.31.255.255', '10.0.0.2', 1), [null, 'remote'])
  assert.deepEqual(resolved([remote], '172.32.0.0', '10.0.0.2', 1), [null, null])
  assert.deepEqual(resolved([remote], 'fd00::9', 'fd00::2', 1), [null, null])
  assert.deepEqual(resolved([attachment('in')], '1.1.1.1', '192.168.7.200', 80), [null, 'in'])
})

test('higher priority wins, then the lower id', () => {
  const all = [
    attachment('b', { priority: 5 }),
    attachment('a', { priority: 5 }),
    attachment('z', { priority: 9, classifiers: [{ protocol: 'tcp', destinationPorts: [443] }] }),
  ]
  assert.deepEqual(resolved(all, '1.1.1.1', '10.0.0.2', 80), [null, 'a'])
  assert.deepEqual(resolved(all, '1.1.1.1', '10.0.0.2', 443), [null, 'z'])
})

test('an exact address goes before a block that contains it, the longer prefix before the shorter', () => {
  const index = indexAttachments(
    [port('wide', '10.0.0.0/8'), port('narrow', '10.1.0.0/16'), port('exact', '10.1.1.1')],
    ['wide', 'narrow', 'exact'].map((id) => attachment(id, { port: id })),
  )
  const of = (server: string) =>
    resolveAttachments(index, '1.1.1.1', server, 80).ingress?.attachment.id
  assert.equal(of('10.1.1.1'), 'exact')
  assert.equal(of('10.1.1.2'), 'narrow')
  assert.equal(of('10.2.0.1'), 'wide')
})

test('the order of the configuration does not matter', () => {
  const entries = fc.array(
    fc.record({ id: fc.integer({ min: 0, max: 99 }), priority: fc.integer({ min: 1, max: 3 }) }),
    { minLength: 1, maxLength: 12 },
  )
  fc.assert(
    fc.property(entries, fc.infiniteStream(fc.nat()), (list, random) => {
      const all = [...new Map(list.map((entry) => [entry.id, entry])).values()].map(
        ({ id, priority }) => attachment(`a${id}`, { priority }),
      )
      const keyed = all.map((one) => [random.next().value, one] as const)
      const shuffled = keyed.sort((a, b) => a[0] - b[0]).map(([, one]) => one)
      assert.deepEqual(
        resolved(all, '1.1.1.1', '10.0.0.2', 80),
        resolved(shuffled, '1.1.1.1', '10.0.0.2', 80),
      )
    }),
  )
})

test('a thousand attachments resolve in microseconds', () => {
  const many = Array.from({ length: 1000 }, (_, i) => port(`p${i}`, `10.1.${i >> 8}.${i & 255}`))
  const index = indexAttachments(
    many,
    many.map(({ id }) => attachment(id, { port: id })),
  )
  assert.equal(
    resolveAttachments(index, '1.1.1.1', '10.1.3.100', 80).ingress?.attachment.id,
    'p868',
  )
})
