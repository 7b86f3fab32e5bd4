import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Attachment } from '#chain/model/attachment.ts'
import type { OnFailure } from '#chain/model/chain.ts'
import type { DomainChain, DomainConfig } from '#chain/model/domain.ts'
import { describeLoadError } from '#inspectors/worker/load-error.ts'
import { buildRoutes, type CreateInspector, type InspectorSpec } from '#inspectors/worker/routes.ts'
import { scriptedHop, testConnection } from '../chain/scripted-inspector.ts'

const chain = (name: string, onFailure: OnFailure, ...types: ('waf' | 'ids')[]): DomainChain => ({
  tenant: 't',
  chain: {
    name,
    onFailure,
    inspectors: types.map((type) => ({ type, mode: 'block', rules: ['crs'] })),
  },
  rulePaths: { crs: '/rules/crs', 'crs-setup': '/rules/setup' },
  ruleVersions: { crs: 'crs@ab12' },
})

const attachment = (
  id: string,
  port: string,
  direction: 'ingress' | 'egress',
  name: string,
): Attachment => ({
  id,
  tenant: 't',
  port,
  chain: name,
  direction,
  classifiers: [{ protocol: 'tcp', destinationPorts: [80] }],
  priority: 1,
  onAttach: 'new-only',
  onDetach: 'drain',
})

function config(chains: DomainChain[], attachments: Attachment[]): DomainConfig {
  return {
    domain: 'd',
    host: 'h',
    generation: 1,
    listener: { kind: 'transparent', fd: 3 },
    workers: 1,
    spoolFolder: '/spool',
    ports: [
      { id: 'client', tenant: 't', network: 'n', interfaceId: 'i1', addresses: ['10.0.0.1'] },
      { id: 'server', tenant: 't', network: 'n', interfaceId: 'i2', addresses: ['10.0.0.2'] },
    ],
    attachments,
    chains,
  }
}

const create: CreateInspector = ({ entry }) => ({
  inspector: scriptedHop({}, { type: entry.type, mode: entry.mode }).inspector,
  warnings: [],
})

test('both ends attached: the client’s chain, then the server’s, as one list that is made once', () => {
  const routes = buildRoutes(
    config(
      [chain('out', 'open', 'ids'), chain('in', 'closed', 'waf', 'ids')],
      [
        attachment('a-out', 'client', 'egress', 'out'),
        attachment('a-in', 'server', 'ingress', 'in'),
      ],
    ),
    create,
  )
  const hops = routes.find(testConnection)
  assert.deepEqual(
    hops?.map(({ context, onFailure }) => [
      context.attachment,
      context.inspector,
      context.port,
      onFailure,
    ]),
    [
      ['a-out', 'ids', 'client', 'open'],
      ['a-in', 'waf', 'server', 'closed'],
      ['a-in', 'ids', 'server', 'closed'],
    ],
  )
  assert.equal(hops?.[0]?.context.ruleSet, 'crs@ab12')
  assert.equal(hops?.[0]?.context.network, 'n')
  assert.equal(routes.find(testConnection), hops)
  assert.equal(routes.find({ ...testConnection, serverPort: 81 }), null)
  assert.equal(routes.unresolved, 'closed')
  assert.deepEqual(routes.descriptions, [
    'out: ids(block, 1 rules)',
    'in: waf(block, 1 rules) -> ids(block, 1 rules)',
  ])
})

test('an inspector is compiled once, however many attachments use its chain', () => {
  let compiled = 0
  const routes = buildRoutes(
    config(
      [chain('c', 'open', 'waf')],
      [attachment('a', 'client', 'ingress', 'c'), attachment('b', 'server', 'ingress', 'c')],
    ),
    (spec) => {
      compiled++
      return create(spec)
    },
  )
  assert.equal(compiled, 1)
  assert.equal(routes.unresolved, 'open')
  assert.equal(routes.counters.length, 1)
})

test('references become paths in the order of the chain, the setup apart', () => {
  const specs: InspectorSpec[] = []
  const one = chain('c', 'open')
  const inspectors = [
    {
      type: 'waf' as const,
      mode: 'detect' as const,
      rules: ['crs'],
      setup: 'crs-setup',
      settings: { paranoia: 2 },
    },
  ]
  buildRoutes(config([{ ...one, chain: { ...one.chain, inspectors } }], []), (spec) => {
    specs.push(spec)
    return create(spec)
  })
  assert.deepEqual([specs[0]?.rulePaths, specs[0]?.setupPaths], [['/rules/crs'], ['/rules/setup']])
})

test('what contradicts itself is refused by name', () => {
  assert.throws(
    () => buildRoutes(config([], [attachment('a', 'server', 'ingress', 'gone')]), create),
    /attachment a: chain gone is not here/,
  )
  const bad = chain('c', 'open', 'waf')
  assert.throws(
    () => buildRoutes(config([{ ...bad, rulePaths: {} }], []), create),
    /chain c: rule set "crs" has no path/,
  )
})

test('a load error is told by file, line and column; warnings beside it are not', () => {
  const diagnostic = (line: number, severity: string) => ({
    file: '/r.conf',
    line,
    column: 2,
    code: 'X',
    message: 'm',
    severity,
  })
  const error = Object.assign(new Error('many'), {
    diagnostics: [
      diagnostic(1, 'warning'),
      ...Array.from({ length: 12 }, (_, i) => diagnostic(i + 2, 'error')),
    ],
  })
  const lines = describeLoadError(error).split('\n')
  assert.equal(lines[0], '/r.conf:2:2: m (X)')
  assert.equal(lines.length, 11)
  assert.equal(lines[10], 'and 2 more')
  assert.equal(describeLoadError(new Error('plain')), 'plain')
})

test('other attachments find the same compiled chains', () => {
  let made = 0
  const chains = [chain('shop', 'open', 'waf'), chain('api', 'closed', 'ids')]
  const routes = buildRoutes(
    config(chains, [attachment('a', 'server', 'ingress', 'shop')]),
    (spec) => {
      made++
      return create(spec)
    },
  )
  const [before] = routes.find(testConnection) ?? []
  const next = routes.reattached(
    config(chains, [
      attachment('b', 'client', 'egress', 'shop'),
      attachment('c', 'server', 'ingress', 'api'),
    ]),
  )
  assert.equal(made, 2)
  const hops = next.find(testConnection) ?? []
  assert.deepEqual(
    hops.map(({ context }) => context.attachment),
    ['b', 'c'],
  )
  assert.ok(before)
  assert.equal(hops[0]?.inspector, before.inspector)
  assert.equal(hops[0]?.counters, before.counters, 'counts go on')
  assert.throws(
    () => next.reattached(config(chains, [attachment('d', 'server', 'ingress', 'gone')])),
    /attachment d: chain gone is not here/,
  )
})
