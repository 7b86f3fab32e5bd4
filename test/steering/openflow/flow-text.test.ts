import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { readConntrack } from '#steering/openflow/conntrack.ts'
import { bundleText, difference, isEmpty } from '#steering/openflow/difference.ts'
import { SwitchError } from '#steering/openflow/errors.ts'
import { type InstalledFlow, readDumpLine, readParsedFlows } from '#steering/openflow/flow-text.ts'

test('reads dumped and parsed flows into one form', () => {
  const dump = [
    'OFPST_FLOW reply (OF1.5) (xid=0x4):',
    ' cookie=0x9c15000100000002, duration=5.167s, table=0, n_packets=3, n_bytes=198, idle_age=2, priority=60002,tcp,reg13=0/0x80000000,in_port=5 actions=goto_table:100',
    ' cookie=0x0, duration=0.1s, table=7, n_packets=0, n_bytes=0, actions=drop',
    '',
  ]
    .map(readDumpLine)
    .filter((line) => line !== null)
  const [first, second] = dump
  assert.deepEqual(first, {
    table: 0,
    match: 'priority=60002,tcp,reg13=0/0x80000000,in_port=5',
    actions: 'goto_table:100',
    cookie: 0x9c15_0001_0000_0002n,
    packets: 3,
    bytes: 198,
  })
  assert.equal(second?.match, 'priority=32768,')
  const parsed = readParsedFlows(
    [
      'usable protocols: OXM',
      'OFPT_FLOW_MOD (OF1.5) (xid=0x1): ADD priority=60002,tcp,reg13=0/0x80000000,in_port=5 actions=goto_table:100',
      'OFPT_FLOW_MOD (OF1.5) (xid=0x2): ADD table:121 priority=0 actions=drop',
    ],
    2,
  )
  assert.deepEqual(parsed[0], { table: 0, match: first?.match, actions: first?.actions })
  assert.deepEqual(parsed[1], { table: 121, match: 'priority=0', actions: 'drop' })
  assert.throws(() => readParsedFlows([], 1), SwitchError)
  assert.throws(
    () => readParsedFlows(['OFPT_FLOW_MOD (OF1.5) (xid=0x1): ***decode error***'], 1),
    SwitchError,
  )
  assert.throws(() => readDumpLine(' cookie=what'), SwitchError)
})

const OWNER = 0x9c15n << 48n
const flow = fc.record({
  table: fc.integer({ min: 100, max: 103 }),
  match: fc.constantFrom('priority=1', 'priority=2,tcp', 'priority=3,udp'),
  actions: fc.constantFrom('drop', 'output:1'),
  cookie: fc.integer({ min: 0, max: 3 }).map((low) => OWNER | BigInt(low)),
})
const flows = fc.uniqueArray(flow, { selector: (one) => `${one.table} ${one.match}` })

/** What the switch does with a bundle. */
function apply(installed: readonly InstalledFlow[], bundle: string): InstalledFlow[] {
  let table = [...installed]
  for (const line of bundle.split('\n').filter((one) => one !== '')) {
    const [, command, rest] = /^(\w+) (.*)$/.exec(line)!
    const cookie = BigInt(/cookie=(0x[0-9a-f]+)/.exec(rest)![1])
    const number = Number(/table=(\d+)/.exec(rest)?.[1])
    if (command === 'delete') {
      table = table.filter((one) => one.cookie !== cookie)
      continue
    }
    const match = /table=\d+,(.*?)(,actions=|$)/.exec(rest)![1]
    const isSame = (one: InstalledFlow): boolean => one.table === number && one.match === match
    table = table.filter((one) => !(isSame(one) && (command === 'add' || one.cookie === cookie)))
    if (command === 'add') {
      const actions = /,actions=(.*)$/.exec(rest)![1]
      table.push({ table: number, match, actions, cookie, packets: 0, bytes: 0 })
    }
  }
  return table
}

test('the bundle of a difference removes it', () => {
  fc.assert(
    fc.property(flows, flows, (desired, before) => {
      const installed = before.map((one) => ({ ...one, packets: 0, bytes: 0 }))
      const change = difference(desired, installed)
      const after = apply(installed, bundleText(desired, change))
      assert.ok(isEmpty(difference(desired, after)))
      assert.equal(after.length, desired.length)
    }),
  )
})

test('reads conntrack of both families, with mark, label and state', () => {
  const [one, two] = readConntrack(
    [
      'tcp,orig=(src=10.9.0.3,dst=10.9.0.2,sport=4000,dport=80),reply=(src=10.9.0.2,dst=10.9.0.3,sport=80,dport=4000),zone=16384,mark=1,labels=0x1100700000007000202163e000002,protoinfo=(state=ESTABLISHED)',
      'udp,orig=(src=1.1.1.1,dst=2.2.2.2,sport=1,dport=2),reply=(src=2.2.2.2,dst=1.1.1.1,sport=2,dport=1),zone=5,mark=1',
      'tcp,orig=(src=fd09::3,dst=fd09::2,sport=4001,dport=443),reply=(src=fd09::2,dst=fd09::3,sport=443,dport=4001),zone=16386,mark=2,protoinfo=(state=TIME_WAIT)',
      'tcp,orig=(src=10.9.0.3,dst=10.9.0.2,sport=1,dport=2),reply=(src=10.9.0.2,dst=10.9.0.3,sport=2,dport=1),zone=9,protoinfo=(state=ESTABLISHED)',
    ].join('\n'),
  )
  assert.deepEqual(one, {
    zone: 16384,
    mark: 1,
    attachment: 7,
    isAlive: true,
    tuple: {
      family: 4,
      sourceAddress: '10.9.0.3',
      sourcePort: 4000,
      destinationAddress: '10.9.0.2',
      destinationPort: 80,
    },
  })
  assert.deepEqual([two?.zone, two?.mark, two?.isAlive, two?.tuple.family], [16386, 2, false, 6])
})
