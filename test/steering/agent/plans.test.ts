import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Chain } from '#chain/model/chain.ts'
import type { HostSnapshot } from '#chain/model/snapshot.ts'
import { MAX_RESET_MS, planDrain } from '#steering/agent/drain.ts'
import type { InForceAttachment } from '#steering/agent/in-force.ts'
import { planDomains } from '#steering/agent/plan-domains.ts'
import { planSteering } from '#steering/agent/plan-steering.ts'
import type { SwitchPort } from '#steering/ovsdb/switch-port.ts'
import { attachment, port } from './snapshot-parts.ts'

const chain = (tenant: string, rules: string[] = [], onFailure: Chain['onFailure'] = 'open') => ({
  tenant,
  chain: {
    name: 'c',
    onFailure,
    inspectors:
      rules.length === 0 ? [] : [{ type: 'ids' as const, mode: 'detect' as const, rules }],
  },
})
const snapshot = (change: Partial<HostSnapshot>): HostSnapshot => ({
  host: 'h',
  epoch: 1,
  generation: 7,
  ports: [],
  chains: [],
  attachments: [],
  ruleSets: {},
  ...change,
})
const SETTINGS = { host: 'h', workers: 2 }
const NOTHING = new Map<string, InForceAttachment>()
const SHA = 'a'.repeat(64)

test('tenants with equal names get domains of their own, with their own ports and chains alone', () => {
  const { domains, refused } = planDomains(
    snapshot({
      ports: [port('s', 'p', 'n'), port('t', 'p', 'n')],
      chains: [chain('s'), chain('t', ['r'])],
      attachments: [attachment('s', 'a'), attachment('t', 'a')],
      ruleSets: { r: { name: 'r', version: 'v1', sha256: SHA } },
    }),
    NOTHING,
    SETTINGS,
  )
  assert.equal(refused.size, 0)
  assert.deepEqual([...domains.keys()], ['s/n', 't/n'])
  const [s, t] = [...domains.values()]
  assert.deepEqual(
    s.content.ports.map((one) => one.tenant),
    ['s'],
  )
  assert.deepEqual(s.bundles, [])
  assert.deepEqual(t.bundles, [SHA])
  assert.deepEqual(t.content.chains[0].rulePaths, { r: `/rules/${SHA}` })
  assert.deepEqual(t.content.chains[0].ruleVersions, { r: 'r@v1' })
  assert.deepEqual(t.content.listener, { kind: 'transparent', fd: 3, datagramFd: 4 })
})

test('the same content comes out in whatever order the snapshot has it', () => {
  const parts = {
    ports: [port('t', 'p', 'n'), port('t', 'q', 'n')],
    chains: [chain('t')],
    attachments: [attachment('t', 'a'), attachment('t', 'b', { port: 'q' })],
  }
  const reversed = {
    ...parts,
    ports: parts.ports.toReversed(),
    attachments: parts.attachments.toReversed(),
  }
  const contentOf = (given: typeof parts): unknown =>
    planDomains(snapshot(given), NOTHING, SETTINGS).domains.get('t/n')?.content
  assert.deepEqual(contentOf(parts), contentOf(reversed))
})

test('a rule set that is not there refuses its attachment, which stays as it was', () => {
  const before = planDomains(
    snapshot({
      ports: [port('t', 'p', 'n')],
      chains: [chain('t')],
      attachments: [attachment('t', 'a')],
    }),
    NOTHING,
    SETTINGS,
  )
  const inForce = before.domains.get('t/n')?.attachments ?? NOTHING
  const { domains, refused } = planDomains(
    snapshot({
      ports: [port('t', 'p', 'n')],
      chains: [chain('t', ['gone'])],
      attachments: [attachment('t', 'a')],
    }),
    inForce,
    SETTINGS,
  )
  assert.match(refused.get('t/a') ?? '', /chain c \/inspectors\/0\/rules\/0: rule set gone/)
  assert.deepEqual(domains.get('t/n')?.attachments.get('t/a'), inForce.get('t/a'))
})

const SWITCH_PORTS: SwitchPort[] = [
  {
    interfaceId: 'if-t-p',
    name: 'tap1',
    ofport: 4,
    mac: '02:00:00:00:00:04',
    vlan: 7,
    trunk: false,
    linkUp: true,
  },
  {
    interfaceId: null,
    name: 'pcx',
    ofport: 9,
    mac: '02:00:00:00:00:09',
    vlan: null,
    trunk: true,
    linkUp: true,
  },
]
function inForceOf(
  change: Partial<InForceAttachment> = {},
  onFailure: Chain['onFailure'] = 'open',
) {
  const { domains } = planDomains(
    snapshot({
      ports: [port('t', 'p', 'n')],
      chains: [chain('t', [], onFailure)],
      attachments: [attachment('t', 'a')],
    }),
    NOTHING,
    SETTINGS,
  )
  const entry = domains.get('t/n')?.attachments.get('t/a') as InForceAttachment
  return new Map([['t/a', { ...entry, ...change }]])
}
const domainsOf = (isInspecting: boolean) =>
  new Map([['t/n', { portName: 'pcx', mac: '02:00:00:00:00:aa', isInspecting }]])

test('the mode follows workers, onFailure and detachment', () => {
  const modeOf = (
    inForce: ReturnType<typeof inForceOf>,
    isInspecting: boolean,
    ports = SWITCH_PORTS,
  ) => planSteering(7, inForce, ports, domainsOf(isInspecting)).modes.get('t/a')
  assert.equal(modeOf(inForceOf(), true), 'listening')
  assert.equal(modeOf(inForceOf(), false), 'bypass')
  assert.equal(modeOf(inForceOf({}, 'closed'), false), 'closed')
  assert.equal(modeOf(inForceOf({ detachedAt: 1 }), true), 'draining')
  assert.equal(modeOf(inForceOf(), true, SWITCH_PORTS.slice(0, 1)), 'bypass', 'its port is missing')
  assert.equal(modeOf(inForceOf(), true, SWITCH_PORTS.slice(1)), undefined, 'the guest is gone')
})

test('flows carry what the switch says of the port, not what the tenant says', () => {
  const { desired, absent } = planSteering(7, inForceOf(), SWITCH_PORTS, domainsOf(true))
  assert.deepEqual(desired.domains, [{ key: 't/n', ofport: 9, mac: '02:00:00:00:00:aa' }])
  const [steered] = desired.ports
  assert.deepEqual([steered.ofport, steered.mac, steered.vlan], [4, '02:00:00:00:00:04', 7])
  assert.equal(absent.size, 0)
})

test('a drain ends with the last connection, a reset takes them away, a port that is gone ends both', () => {
  const tuple = {
    family: 4 as const,
    sourceAddress: '10.0.0.9',
    sourcePort: 1,
    destinationAddress: '10.0.0.1',
    destinationPort: 80,
  }
  const some = new Map([['t/a', [tuple]]])
  const none = new Map<string, []>()
  const drain = inForceOf({ detachedAt: 1000 })
  const reset = inForceOf({
    detachedAt: 1000,
    attachment: attachment('t', 'a', { onDetach: 'reset' }),
  })
  const here = (): boolean => true
  assert.deepEqual(planDrain(drain, some, here, 2000), { finished: [], reset: [] })
  assert.deepEqual(planDrain(drain, none, here, 2000).finished, ['t/a'])
  assert.deepEqual(planDrain(drain, some, () => false, 2000).finished, ['t/a'])
  assert.equal(planDrain(reset, some, here, 2000).reset[0].connections.length, 1)
  assert.deepEqual(planDrain(reset, some, here, 2000).finished, [])
  assert.deepEqual(planDrain(reset, some, here, 1001 + MAX_RESET_MS).finished, ['t/a'])
  assert.deepEqual(planDrain(inForceOf(), none, here, 2000).finished, [], 'not detached')
})

test('a tap is no part of a domain, and the same in every snapshot', () => {
  const tap = attachment('t', 'watch', {
    mode: 'tap',
    classifiers: [{ protocol: 'any', destinationPorts: 'any' }],
  })
  const content = {
    ports: [port('t', 'p', 'n')],
    chains: [chain('t', ['r'])],
    ruleSets: { r: { name: 'r', version: 'v', sha256: SHA } },
  }
  const plans = planDomains(snapshot({ ...content, attachments: [tap] }), NOTHING, SETTINGS)
  assert.equal(plans.domains.size, 0)
  const plan = plans.taps.get('t/watch')
  assert.deepEqual(plan?.bundles, [SHA])
  const later = snapshot({ ...content, attachments: [tap, attachment('t', 'in')], generation: 8 })
  const { taps, domains } = planDomains(later, NOTHING, SETTINGS)
  assert.deepEqual(taps.get('t/watch'), plan)
  assert.deepEqual(
    domains.get('t/n')?.content.attachments.map(({ id }) => id),
    ['in'],
  )
  const unknown = planDomains(
    snapshot({ ...content, ruleSets: {}, attachments: [tap] }),
    NOTHING,
    SETTINGS,
  )
  assert.match(unknown.refused.get('t/watch') ?? '', /not installed/)
})
