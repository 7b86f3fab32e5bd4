import assert from 'node:assert/strict'
import { test } from 'node:test'
import { portsOfBridge } from '#steering/ovsdb/ports-of-bridge.ts'
import { Replica, mapOf, setOf } from '#steering/ovsdb/replica.ts'

const COMPOSITE = new Map([
  ['Bridge', new Set(['ports'])],
  ['Port', new Set(['interfaces'])],
  ['Interface', new Set(['external_ids'])],
])

const uuid = (name: string): [string, string] => ['uuid', name]

function filled(): Replica {
  const replica = new Replica(COMPOSITE)
  replica.applyUpdate2({
    Bridge: { b: { initial: { name: 'br-int', ports: ['set', [uuid('p1'), uuid('p2')]] } } },
    Port: {
      p1: { initial: { name: 'vm1', interfaces: uuid('i1'), tag: 7 } },
      p2: {
        initial: { name: 'up', interfaces: uuid('i2'), tag: 9, vlan_mode: 'native-untagged' },
      },
    },
    Interface: {
      i1: {
        initial: {
          name: 'vm1',
          ofport: 3,
          external_ids: [
            'map',
            [
              ['iface-id', 'if-1'],
              ['attached-mac', '02:AA:00:00:00:01'],
            ],
          ],
          mac_in_use: '02:bb:00:00:00:01',
          link_state: 'up',
        },
      },
      i2: {
        initial: {
          name: 'up',
          ofport: ['set', []],
          external_ids: ['map', []],
          mac_in_use: '02:bb:00:00:00:02',
          link_state: 'down',
        },
      },
    },
  })
  return replica
}

test('ports of a bridge: who, where, and those that have no number yet are left out', () => {
  const replica = filled()
  assert.equal(portsOfBridge(replica, 'other'), null)
  const vm1 = {
    interfaceId: 'if-1',
    name: 'vm1',
    ofport: 3,
    mac: '02:aa:00:00:00:01',
    vlan: 7,
    trunk: false,
    linkUp: true,
  }
  assert.deepEqual(portsOfBridge(replica, 'br-int'), [vm1])
  replica.applyUpdate2({ Interface: { i2: { modify: { ofport: 4 } } } })
  assert.deepEqual(portsOfBridge(replica, 'br-int'), [
    {
      interfaceId: null,
      name: 'up',
      ofport: 4,
      mac: '02:bb:00:00:00:02',
      vlan: 9,
      trunk: true,
      linkUp: false,
    },
    vm1,
  ])
})

test('a modify of a set or map is a difference, of anything else the new value', () => {
  const replica = filled()
  replica.applyUpdate2({
    Bridge: { b: { modify: { ports: ['set', [uuid('p2'), uuid('p3')]] } } },
    Port: { p1: { modify: { tag: ['set', []] } } },
    Interface: {
      i1: {
        modify: {
          external_ids: [
            'map',
            [
              ['iface-id', 'if-9'],
              ['attached-mac', '02:AA:00:00:00:01'],
              ['vm', 'x'],
            ],
          ],
        },
      },
    },
  })
  assert.deepEqual(setOf(replica.rows('Bridge').get('b')?.get('ports')), [uuid('p1'), uuid('p3')])
  assert.deepEqual(setOf(replica.rows('Port').get('p1')?.get('tag')), [])
  assert.deepEqual(
    [...mapOf(replica.rows('Interface').get('i1')?.get('external_ids'))],
    [
      ['iface-id', 'if-9'],
      ['vm', 'x'],
    ],
  )
  replica.applyUpdate2({ Bridge: { b: { delete: null } } })
  assert.equal(portsOfBridge(replica, 'br-int'), null)
})

test('the first form of update replaces and removes rows', () => {
  const replica = filled()
  replica.applyUpdate({
    Port: { p1: { old: { tag: 7 }, new: { name: 'vm1', interfaces: uuid('i1'), tag: 8 } } },
    Interface: { i2: { old: { name: 'up' } } },
  })
  assert.equal(portsOfBridge(replica, 'br-int')?.[0]?.vlan, 8)
  assert.equal(replica.rows('Interface').size, 1)
  replica.applyUpdate('nonsense')
  replica.applyUpdate2({ Port: [] })
})
