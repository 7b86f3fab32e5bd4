import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { InForceAttachment } from '#steering/agent/in-force.ts'
import type { TapView } from '#steering/agent/tap-set.ts'
import { tapState } from '#steering/agent/tap-state.ts'
import type { SwitchPort } from '#steering/ovsdb/switch-port.ts'

const entryOf = (chain: string): InForceAttachment => ({
  attachment: {
    id: 'a',
    tenant: 't',
    port: 'p',
    chain,
    mode: 'tap',
    direction: 'ingress',
    classifiers: [{ protocol: 'any', destinationPorts: 'any' }],
    priority: 1,
    onAttach: 'new-only',
    onDetach: 'drain',
  },
  port: { id: 'p', tenant: 't', network: 'n', interfaceId: 'if', addresses: ['10.0.0.1'] },
  chain: {
    tenant: 't',
    chain: { name: chain, inspectors: [], onFailure: 'open' },
    rulePaths: {},
    ruleVersions: {},
  },
  generation: 0,
  detachedAt: null,
})
const PORTS = [{ interfaceId: 'if' } as SwitchPort]
const view = (change: Partial<TapView>): TapView => ({
  entry: entryOf('c'),
  isRunning: true,
  problem: null,
  packets: 0,
  bytes: 0,
  ...change,
})

test('a tap is realised only while what is wanted runs', () => {
  const wanted = entryOf('c')
  const stateOf = (one: TapView | null, ports = PORTS): string =>
    tapState(one, wanted, undefined, ports).state
  assert.equal(stateOf(view({})), 'realized')
  assert.equal(stateOf(null), 'pending')
  assert.equal(stateOf(view({ entry: entryOf('other') })), 'pending')
  assert.equal(stateOf(view({ entry: null, isRunning: false, problem: 'no rules' })), 'failed')
  assert.deepEqual(
    tapState(view({ isRunning: false, problem: 'it ended' }), wanted, undefined, PORTS),
    {
      state: 'bypassed',
      reason: 'it ended',
    },
  )
  assert.match(tapState(view({}), wanted, undefined, []).reason ?? '', /not on this host/)
  assert.equal(tapState(view({}), wanted, 'no rule set', PORTS).reason, 'no rule set')
})
