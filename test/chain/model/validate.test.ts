import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  array,
  assert as check,
  constantFrom,
  integer,
  oneof,
  property,
  record,
  tuple,
} from 'fast-check'
import type { Attachment, Classifier } from '#chain/model/attachment.ts'
import type { Chain } from '#chain/model/chain.ts'
import { type DesiredState, EMPTY_STATE, scopedKey, type Stored } from '#chain/model/desired.ts'
import type { Port } from '#chain/model/port.ts'
import type { RuleSet } from '#chain/model/rule-set.ts'
import {
  chainInUse,
  portInUse,
  validateAttachment,
  validateChain,
  validatePort,
} from '#chain/model/validate.ts'
import { classifiersOverlap, portRanges } from '#chain/model/validate-classifier.ts'

const stored = <T>(value: T): Stored<T> => ({ revision: 1, updatedAt: '', value })

const WEB: Port = {
  id: 'web',
  tenant: 'acme',
  network: 'net',
  interfaceId: 'iface-web',
  addresses: ['10.0.0.5'],
}
const SHOP: Chain = { name: 'shop', inspectors: [], onFailure: 'open' }
const ONE: Attachment = {
  id: 'one',
  tenant: 'acme',
  port: 'web',
  chain: 'shop',
  direction: 'ingress',
  classifiers: [{ protocol: 'tcp', destinationPorts: [80] }],
  priority: 100,
  onAttach: 'new-only',
  onDetach: 'drain',
}
const RULES: RuleSet = {
  name: 'crs',
  active: 'v1',
  history: [],
  versions: ['v1', 'v2'].map((version) => ({
    name: 'crs',
    version,
    sha256: 'a'.repeat(64),
    installedAt: '',
    bytes: 1,
    accepted: 1,
    rejected: 0,
    refusal: null,
  })),
}

function stateOf(
  ports: Port[],
  attachments: Attachment[] = [],
  ruleSets: RuleSet[] = [],
): DesiredState {
  return {
    ...EMPTY_STATE,
    ports: new Map(ports.map((port) => [scopedKey(port.tenant, port.id), stored(port)])),
    chains: new Map([['acme/shop', stored({ tenant: 'acme', chain: SHOP })]]),
    attachments: new Map(attachments.map((one) => [scopedKey(one.tenant, one.id), stored(one)])),
    ruleSets: new Map(ruleSets.map((one) => [one.name, stored(one)])),
  }
}

const STATE = stateOf([WEB], [], [RULES])
const pointers = (violations: readonly { pointer: string }[]): string[] =>
  violations.map(({ pointer }) => pointer)
const classified = (classifiers: object[]): Attachment => ({
  ...ONE,
  classifiers: classifiers as Classifier[],
})

test('a sound attachment has no violation', () => {
  assert.deepEqual(validateAttachment(ONE, STATE), [])
})

test('unknown port and chain are named, another tenant’s are unknown too', () => {
  const both = validateAttachment({ ...ONE, port: 'x', chain: 'y' }, STATE)
  assert.deepEqual(pointers(both), ['/port', '/chain'])
  assert.deepEqual(pointers(validateAttachment({ ...ONE, tenant: 'globex' }, STATE)), [
    '/port',
    '/chain',
  ])
})

const IMPOSSIBLE: readonly (readonly [
  what: string,
  classifiers: object[],
  pointer: string,
  detail: RegExp,
])[] = [
  [
    'a reversed range',
    [{ destinationPorts: [22, { from: 90, to: 80 }] }],
    '/classifiers/0/destinationPorts/1',
    /reversed/,
  ],
  [
    'a port twice',
    [{ destinationPorts: [80, 80] }],
    '/classifiers/0/destinationPorts/1',
    /overlaps 80/,
  ],
  [
    'a port inside a range',
    [{ destinationPorts: [{ from: 1, to: 99 }, 80] }],
    '/classifiers/0/destinationPorts/1',
    /overlaps 1-99/,
  ],
  [
    'a malformed remote',
    [{ destinationPorts: 'any', remote: 'everywhere' }],
    '/classifiers/0/remote',
    /not an IPv4/,
  ],
  [
    'host bits',
    [{ destinationPorts: 'any', remote: '10.0.0.5/24' }],
    '/classifiers/0/remote',
    /mean 10\.0\.0\.0\/24/,
  ],
  [
    'a family that the port lacks',
    [{ destinationPorts: 'any', remote: '2001:db8::/32' }],
    '/classifiers/0/remote',
    /no IPv6/,
  ],
  [
    'a multicast remote',
    [{ destinationPorts: 'any', remote: '224.0.0.0/8' }],
    '/classifiers/0/remote',
    /multicast/,
  ],
  [
    'a classifier twice',
    [{ destinationPorts: [80] }, { destinationPorts: [80] }],
    '/classifiers/1',
    /repeats classifier 0/,
  ],
]

for (const [what, classifiers, pointer, detail] of IMPOSSIBLE) {
  test(`${what} is invalid at ${pointer}`, () => {
    const attachment = classified(classifiers.map((one) => ({ protocol: 'tcp', ...one })))
    const [violation] = validateAttachment(attachment, STATE)
    assert.equal(violation.kind, 'invalid')
    assert.equal(violation.pointer, pointer)
    assert.match(violation.detail, detail)
  })
}

test('equal priorities conflict only where port, direction and connections are the same', () => {
  const state = stateOf(
    [WEB, { ...WEB, id: 'db', interfaceId: 'i2', addresses: ['10.0.0.6'] }],
    [ONE],
  )
  const other: Attachment = { ...ONE, id: 'two' }
  const [violation] = validateAttachment(other, state)
  assert.equal(violation.kind, 'conflict')
  assert.ok(violation.kind === 'conflict' && violation.inTheWay === 'one')
  assert.equal(violation.pointer, '/priority')
  for (const change of [
    { priority: 101 },
    { direction: 'egress' as const },
    { port: 'db' },
    { classifiers: [{ protocol: 'tcp' as const, destinationPorts: [81] }] },
  ]) {
    assert.deepEqual(validateAttachment({ ...other, ...change }, state), [])
  }
  assert.deepEqual(validateAttachment(ONE, state), [], 'it does not conflict with itself')
})

test('remotes that have nothing in common do not overlap', () => {
  const one: Classifier = { protocol: 'tcp', destinationPorts: 'any', remote: '10.0.0.0/8' }
  const two: Classifier = { protocol: 'tcp', destinationPorts: [80], remote: '192.0.2.0/24' }
  assert.ok(!classifiersOverlap(one, two))
  assert.ok(classifiersOverlap(one, { ...two, remote: '10.1.0.0/16' }))
  assert.ok(classifiersOverlap({ protocol: 'tcp', destinationPorts: 'any' }, two))
})

test('overlap agrees with trying every port and some addresses', () => {
  const port = integer({ min: 1, max: 12 })
  const range = tuple(port, port).map(([a, b]) => ({ from: Math.min(a, b), to: Math.max(a, b) }))
  const remote = constantFrom(undefined, '10.0.0.0/24', '10.0.0.4/31', '10.0.0.4', '10.0.1.0/24')
  const classifier = record({
    ports: array(oneof(port, range), { minLength: 1, maxLength: 3 }),
    remote,
  }).map(({ ports, remote }): Classifier => ({
    protocol: 'tcp',
    destinationPorts: ports,
    ...(remote === undefined ? {} : { remote }),
  }))
  const inside: Readonly<Record<string, (host: string) => boolean>> = {
    '10.0.0.0/24': (host) => host.startsWith('10.0.0.'),
    '10.0.0.4/31': (host) => host === '10.0.0.4' || host === '10.0.0.5',
    '10.0.0.4': (host) => host === '10.0.0.4',
    '10.0.1.0/24': (host) => host.startsWith('10.0.1.'),
  }
  const hosts = ['10.0.0.4', '10.0.0.5', '10.0.0.9', '10.0.1.1', '192.0.2.1']
  const matches = ({ destinationPorts, remote }: Classifier, host: string, port: number): boolean =>
    portRanges(destinationPorts).some(({ from, to }) => from <= port && port <= to) &&
    (remote === undefined || inside[remote](host))
  check(
    property(classifier, classifier, (a, b) => {
      const both = hosts.some((host) =>
        Array.from({ length: 12 }, (_, index) => index + 1).some(
          (port) => matches(a, host, port) && matches(b, host, port),
        ),
      )
      assert.equal(classifiersOverlap(a, b), both)
      assert.equal(classifiersOverlap(b, a), both)
    }),
  )
})

test('ports: malformed, repeated and colliding addresses, and interfaces taken', () => {
  const port = { ...WEB, id: 'new', interfaceId: 'i9' }
  const at = (addresses: string[], change: Partial<Port> = {}) =>
    validatePort({ ...port, addresses, ...change }, STATE)
  assert.deepEqual(at(['10.0.0.9']), [])
  assert.deepEqual(pointers(at(['web'])), ['/addresses/0'])
  assert.deepEqual(pointers(at(['10.0.0.9', '10.0.0.9'])), ['/addresses/1'])
  assert.deepEqual(pointers(at(['10.1.0.5/24'])), ['/addresses/0'])
  assert.deepEqual(pointers(at(['0.0.0.0/0'])), ['/addresses/0', '/addresses/0'])
  const [collision] = at(['192.0.2.1', '10.0.0.0/28'])
  assert.equal(collision.pointer, '/addresses/1')
  assert.equal(collision.kind, 'conflict')
  assert.deepEqual(at(['10.0.0.5'], { network: 'other' }), [], 'another network')
  assert.deepEqual(at(['10.0.0.5'], { tenant: 'globex' }), [], 'another tenant')
  assert.deepEqual(pointers(at(['10.0.0.9'], { interfaceId: 'iface-web' })), ['/interfaceId'])
  assert.deepEqual(validatePort(WEB, STATE), [], 'it does not collide with itself')
})

test('a port keeps the addresses that its attachments need', () => {
  const v6 = classified([{ protocol: 'tcp', destinationPorts: 'any', remote: '2001:db8::/32' }])
  const both = { ...WEB, addresses: ['10.0.0.5', '2001:db8::5'] }
  const state = stateOf([both], [v6])
  assert.deepEqual(validatePort(both, state), [])
  const [violation] = validatePort(WEB, state)
  assert.ok(violation.kind === 'conflict' && violation.inTheWay === 'one')
})

test('what is attached is in use', () => {
  const state = stateOf([WEB], [ONE])
  assert.equal(portInUse('acme', 'web', state).length, 1)
  assert.equal(chainInUse('acme', 'shop', state).length, 1)
  assert.deepEqual(portInUse('globex', 'web', state), [])
  assert.deepEqual(chainInUse('acme', 'other', state), [])
})

test('a chain names rule sets that are installed and usable', () => {
  const chain = (rules: string[], setup?: string): Chain => ({
    ...SHOP,
    inspectors: [{ type: 'waf', mode: 'block', rules, ...(setup === undefined ? {} : { setup }) }],
  })
  assert.deepEqual(validateChain(chain(['crs', 'crs@v2'], 'crs@v1'), STATE, 'acme'), [])
  assert.deepEqual(
    pointers(validateChain(chain(['crs', 'nope', 'crs@v3', '/etc', 'a/b'], 'x@'), STATE, 'acme')),
    [
      '/inspectors/0/rules/1',
      '/inspectors/0/rules/2',
      '/inspectors/0/rules/3',
      '/inspectors/0/rules/4',
      '/inspectors/0/setup',
    ],
  )
  const inactive = stateOf([WEB], [], [{ ...RULES, active: null }])
  assert.match(validateChain(chain(['crs']), inactive, 'acme')[0].detail, /no active version/)
  assert.deepEqual(validateChain(chain(['crs@v1']), inactive, 'acme'), [])
})

test('settings that contradict themselves are invalid', () => {
  const chain = (settings: object): Chain => ({
    ...SHOP,
    inspectors: [{ type: 'waf', mode: 'block', rules: ['crs'], settings }],
  })
  const range = chain({ excludeRules: ['1-5', '9-3'] })
  assert.deepEqual(pointers(validateChain(range, STATE, 'acme')), [
    '/inspectors/0/settings/excludeRules/1',
  ])
  const paranoia = chain({ paranoia: 3, detectionParanoia: 2 })
  assert.deepEqual(pointers(validateChain(paranoia, STATE, 'acme')), [
    '/inspectors/0/settings/detectionParanoia',
  ])
})

test('datagrams are led through chains of ids alone, whichever is written first', () => {
  const udp: Attachment = { ...ONE, classifiers: [{ protocol: 'udp', destinationPorts: [53] }] }
  const chainOf = (...types: ('waf' | 'ids')[]): Chain => ({
    name: 'shop',
    onFailure: 'open',
    inspectors: types.map((type) => ({ type, mode: 'block', rules: ['crs'] })),
  })
  const stateWith = (chain: Chain, attachments: Attachment[]): DesiredState => ({
    ...stateOf([WEB], attachments, [RULES]),
    chains: new Map([['acme/shop', stored({ tenant: 'acme', chain })]]),
  })
  assert.deepEqual(validateAttachment(udp, stateWith(chainOf(), [])), [])
  assert.deepEqual(validateAttachment(udp, stateWith(chainOf('ids', 'ids'), [])), [])
  const [refusal] = validateAttachment(udp, stateWith(chainOf('ids', 'waf'), []))
  assert.equal(refusal.pointer, '/classifiers/0/protocol')
  assert.match(refusal.detail, /inspector 1 .* waf/)
  const mixed: Attachment = { ...udp, classifiers: [...ONE.classifiers, ...udp.classifiers] }
  assert.deepEqual(pointers(validateAttachment(mixed, stateWith(chainOf('waf'), []))), [
    '/classifiers/1/protocol',
  ])
  const used = stateWith(chainOf('ids'), [udp])
  assert.deepEqual(validateChain(chainOf('ids'), used, 'acme'), [])
  assert.deepEqual(pointers(validateChain(chainOf('ids', 'waf'), used, 'acme')), [
    '/inspectors/1/type',
  ])
  assert.deepEqual(validateChain(chainOf('waf'), used, 'other'), [])
})

test('classifiers of two protocols never overlap', () => {
  const tcp = { protocol: 'tcp', destinationPorts: 'any' } as const
  assert.equal(classifiersOverlap(tcp, { ...tcp, protocol: 'udp' }), false)
  assert.equal(classifiersOverlap(tcp, tcp), true)
})

test('a tap looks with ids in mode detect alone, whichever is written first', () => {
  const tap: Attachment = {
    ...ONE,
    mode: 'tap',
    classifiers: [{ protocol: 'any', destinationPorts: 'any' }],
  }
  const chainOf = (type: 'waf' | 'ids', mode: 'detect' | 'block'): Chain => ({
    name: 'shop',
    onFailure: 'open',
    inspectors: [{ type, mode, rules: ['crs'] }],
  })
  const stateWith = (chain: Chain, attachments: Attachment[] = []): DesiredState => ({
    ...stateOf([WEB], attachments, [RULES]),
    chains: new Map([['acme/shop', stored({ tenant: 'acme', chain })]]),
  })
  const watch = stateWith(chainOf('ids', 'detect'))
  assert.deepEqual(validateAttachment(tap, watch), [])
  for (const chain of [chainOf('ids', 'block'), chainOf('waf', 'detect')])
    assert.deepEqual(pointers(validateAttachment(tap, stateWith(chain))), ['/chain'])
  // Copies are contended for by nobody, and ports belong to protocols that have them.
  assert.deepEqual(
    validateAttachment({ ...tap, id: 'two' }, stateWith(chainOf('ids', 'detect'), [tap])),
    [],
  )
  const ported: Attachment = { ...tap, classifiers: [{ protocol: 'icmp', destinationPorts: [1] }] }
  assert.deepEqual(pointers(validateAttachment(ported, watch)), ['/classifiers/0/destinationPorts'])
  const inline: Attachment = { ...ONE, classifiers: tap.classifiers }
  assert.deepEqual(pointers(validateAttachment(inline, watch)), ['/classifiers/0/protocol'])
  const used = stateWith(chainOf('ids', 'detect'), [tap])
  assert.deepEqual(pointers(validateChain(chainOf('ids', 'block'), used, 'acme')), [
    '/inspectors/0/mode',
  ])
  assert.deepEqual(pointers(validateChain(chainOf('waf', 'detect'), used, 'acme')), [
    '/inspectors/0/type',
  ])
})
