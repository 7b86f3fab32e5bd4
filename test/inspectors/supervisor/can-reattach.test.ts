import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { DomainConfig } from '#chain/model/domain.ts'
import { canReattach } from '#inspectors/supervisor/can-reattach.ts'

const current: DomainConfig = {
  domain: 'd',
  host: 'h',
  generation: 1,
  listener: { kind: 'transparent', fd: 3 },
  workers: 2,
  spoolFolder: '/spool',
  ports: [{ id: 'p', tenant: 't', network: 'n', interfaceId: 'i', addresses: ['10.0.0.1'] }],
  attachments: [],
  chains: [
    {
      tenant: 't',
      chain: {
        name: 'shop',
        onFailure: 'open',
        inspectors: [{ type: 'waf', mode: 'block', rules: ['crs'] }],
      },
      rulePaths: { crs: '/rules/1' },
      ruleVersions: {},
    },
  ],
}

const attachment: DomainConfig['attachments'][number] = {
  id: 'a',
  tenant: 't',
  port: 'p',
  chain: 'shop',
  direction: 'ingress',
  classifiers: [{ protocol: 'tcp', destinationPorts: [80] }],
  priority: 1,
  onAttach: 'new-only',
  onDetach: 'drain',
}

test('another attachment or port needs no other worker', () => {
  assert.ok(canReattach(current, { ...current, generation: 2, attachments: [attachment] }))
  assert.ok(canReattach(current, { ...current, generation: 2, ports: [] }))
})

test('everything else does', () => {
  const [shop] = current.chains
  assert.ok(shop)
  const next = { ...current, generation: 2, attachments: [attachment] }
  const others: DomainConfig[] = [
    { ...next, chains: [{ ...shop, rulePaths: { crs: '/rules/2' } }] },
    { ...next, chains: [{ ...shop, chain: { ...shop.chain, onFailure: 'closed' } }] },
    { ...next, chains: [...current.chains, { ...shop, tenant: 'u' }] },
    { ...next, workers: 3 },
    { ...next, spoolFolder: '/elsewhere' },
    { ...next, host: 'h2' },
  ]
  for (const other of others) assert.equal(canReattach(current, other), false)
})

test('the same again is a wish to read the rules again', () => {
  assert.equal(canReattach(current, { ...current, generation: 2 }), false)
})

test('a contradiction is left to be tried and refused', () => {
  const stray = { ...attachment, chain: 'unknown' }
  assert.equal(canReattach(current, { ...current, generation: 2, attachments: [stray] }), false)
})

test('datagrams through a chain that was compiled for streams need other engines', () => {
  const attached = { ...current, attachments: [attachment] }
  const udp = { ...attachment, id: 'u', classifiers: [{ protocol: 'udp', destinationPorts: [53] }] }
  const both = { ...attached, generation: 2, attachments: [attachment, udp] } as DomainConfig
  assert.equal(canReattach(attached, both), false)
  assert.equal(canReattach(both, { ...attached, generation: 3 }), true)
})
