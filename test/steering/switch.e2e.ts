import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { runCommand } from '#test/topology/run-command.ts'
import { waitUntil } from '#test/topology/wait-until.ts'
import { Harness } from './stand-in/harness.ts'
import { NEAR_AND_FAR } from './stand-in/near-and-far.ts'

const usable =
  process.getuid?.() === 0 && (await runCommand(['sh', '-c', 'command -v ovs-vswitchd'])).code === 0

describe('steering on a real switch', { skip: !usable }, () => {
  const bench = new Harness()

  before(async () => {
    await bench.start(NEAR_AND_FAR)
    for (const guest of ['web', 'near', 'far']) await bench.serve(guest, 80, 81)
  })
  after(() => bench.stop())

  const asked = (guest: string, host: string, port?: number): ReturnType<Harness['asked']> =>
    bench.asked(guest, host, port)

  const routeMtu = (network: string, device: string, mtu: number): string[] => [
    'ip',
    'route',
    'replace',
    network,
    'dev',
    device,
    'mtu',
    String(mtu),
  ]

  async function fragmentsMade(guest: string): Promise<number> {
    const lines = (await bench.topology.exec(guest, ['cat', '/proc/net/snmp'])).split('\n')
    const [names, values] = lines.filter((line) => line.startsWith('Ip:'))
    return Number(values.split(' ')[names.split(' ').indexOf('FragCreates')])
  }

  test('ingress: switched and routed, both families, other ports direct', async () => {
    await bench.attach([{ guest: 'web', direction: 'ingress' }])
    assert.deepEqual(await asked('near', '10.9.0.2'), ['10.9.0.3 hello', 1, 0])
    assert.deepEqual(await asked('near', 'fd09::2'), ['fd09::3 hello', 1, 0])
    assert.deepEqual(await asked('far', '10.9.0.2'), ['10.8.0.3 hello', 1, 0])
    assert.deepEqual(await asked('far', 'fd09::2'), ['fd08::3 hello', 1, 0])
    assert.deepEqual(await asked('near', '10.9.0.2', 81), ['10.9.0.3 hello', 0, 0])
    assert.deepEqual(await asked('web', '10.8.0.3'), ['10.9.0.2 hello', 0, 0])
    assert.deepEqual(await asked('web', 'fd09::3'), ['fd09::2 hello', 0, 0])
  })

  test('egress: switched and routed, both families, other ports direct', async () => {
    await bench.attach([{ guest: 'web', direction: 'egress' }])
    assert.deepEqual(await asked('web', '10.9.0.3'), ['10.9.0.2 hello', 1, 0])
    assert.deepEqual(await asked('web', 'fd09::3'), ['fd09::2 hello', 1, 0])
    assert.deepEqual(await asked('web', '10.8.0.3'), ['10.9.0.2 hello', 1, 0])
    assert.deepEqual(await asked('web', 'fd08::3'), ['fd09::2 hello', 1, 0])
    assert.deepEqual(await asked('web', 'fd08::3', 81), ['fd09::2 hello', 0, 0])
    assert.deepEqual(await asked('near', '10.9.0.2'), ['10.9.0.3 hello', 0, 0])
  })

  test('both ends in one domain: one pass, switched and routed', async () => {
    await bench.attach([
      { guest: 'web', direction: 'ingress' },
      { guest: 'near', direction: 'egress' },
      { guest: 'far', direction: 'egress' },
    ])
    assert.deepEqual(await asked('near', '10.9.0.2'), ['10.9.0.3 hello', 1, 0])
    assert.deepEqual(await asked('near', 'fd09::2'), ['fd09::3 hello', 1, 0])
    assert.deepEqual(await asked('far', '10.9.0.2'), ['10.8.0.3 hello', 1, 0])
    assert.deepEqual(await asked('far', 'fd09::2'), ['fd08::3 hello', 1, 0])
    assert.deepEqual(await asked('near', '10.8.0.3'), ['10.9.0.3 hello', 1, 0])
  })

  test('both ends in two domains: each inspects', async () => {
    await bench.attach([
      { guest: 'web', direction: 'ingress' },
      { guest: 'near', direction: 'egress', domain: 2 },
      { guest: 'far', direction: 'egress', domain: 2 },
    ])
    assert.deepEqual(await asked('far', '10.9.0.2'), ['10.8.0.3 hello', 1, 1])
    assert.deepEqual(await asked('far', 'fd09::2'), ['fd08::3 hello', 1, 1])
    assert.deepEqual(await asked('near', '10.9.0.2'), ['10.9.0.3 hello', 1, 1])
  })

  test('two tenants with the same addresses and MACs: each its own inspector', async () => {
    const { topology } = bench
    const [web] = topology.guest('web').legs
    await topology.addGuest({
      name: 'twin-web',
      interfaceId: 'if-twin-web',
      addresses: ['10.9.0.2/24', 'fd09::2/64'],
      mac: web.mac,
      vlan: 70,
    })
    await topology.addGuest({
      name: 'twin-near',
      interfaceId: 'if-twin-near',
      addresses: ['10.9.0.3/24', 'fd09::3/64'],
      vlan: 70,
    })
    await bench.serve('twin-web', 80)
    await bench.knows('if-twin-web', 'if-twin-near')
    await bench.attach([
      { guest: 'web', direction: 'ingress' },
      { guest: 'twin-web', direction: 'ingress', domain: 2 },
    ])
    assert.deepEqual(await asked('near', '10.9.0.2'), ['10.9.0.3 hello', 1, 0])
    assert.deepEqual(await asked('twin-near', '10.9.0.2'), ['10.9.0.3 hello', 0, 1])
    assert.deepEqual(await asked('twin-near', 'fd09::2'), ['fd09::3 hello', 0, 1])
    await bench.attach([{ guest: 'web', direction: 'ingress' }])
    assert.deepEqual(await asked('twin-near', '10.9.0.2'), ['10.9.0.3 hello', 0, 0])
    assert.deepEqual(await asked('near', '10.9.0.2'), ['10.9.0.3 hello', 1, 0])
    await topology.removeGuest(topology.guest('twin-web'))
    await topology.removeGuest(topology.guest('twin-near'))
  })

  test('any port, both directions of one port: its own connections work as well', async () => {
    await bench.attach([{ guest: 'web', direction: 'ingress', ports: 'any', onAttach: 'reset' }])
    assert.deepEqual(await asked('web', '10.8.0.3'), ['10.9.0.2 hello', 0, 0])
    assert.deepEqual(await asked('near', '10.9.0.2', 81), ['10.9.0.3 hello', 1, 0])
    await bench.attach([
      { guest: 'web', direction: 'ingress', ports: 'any', onAttach: 'reset' },
      { guest: 'web', direction: 'egress', ports: 'any', onAttach: 'reset' },
    ])
    assert.deepEqual(await asked('web', '10.8.0.3'), ['10.9.0.2 hello', 1, 0])
    assert.deepEqual(await asked('near', '10.9.0.2', 81), ['10.9.0.3 hello', 1, 0])
    await bench.attach([{ guest: 'web', direction: 'egress', ports: 'any', onAttach: 'reset' }])
    assert.deepEqual(await asked('near', '10.9.0.2', 81), ['10.9.0.3 hello', 0, 0])
  })

  test('port ranges and remotes choose', async () => {
    await bench.attach([
      { guest: 'web', direction: 'ingress', ports: [{ from: 75, to: 80 }], remote: '10.8.0.0/16' },
    ])
    assert.deepEqual(await asked('far', '10.9.0.2'), ['10.8.0.3 hello', 1, 0])
    assert.deepEqual(await asked('far', '10.9.0.2', 81), ['10.8.0.3 hello', 0, 0])
    assert.deepEqual(await asked('near', '10.9.0.2'), ['10.9.0.3 hello', 0, 0])
    assert.deepEqual(await asked('far', 'fd09::2'), ['fd08::3 hello', 0, 0])
  })

  test('new-only: an older connection survives the attachment and the end of its window', async () => {
    await bench.attach([])
    const held = await bench.hold('near', '10.9.0.2')
    const mine = await bench.hold('web', '10.8.0.3')
    assert.match(await held.say('before'), /before/)
    await bench.attach([
      { guest: 'web', direction: 'ingress' },
      { guest: 'web', direction: 'egress' },
    ])
    for (const connection of [held, mine]) assert.match(await connection.say('within'), /within/)
    await waitUntil('the window to be shut', async () => {
      const dump = await bench.topology.ofctl('dump-flows', bench.topology.managementSocket)
      return !/table=106.*priority=45.*goto_table:107/.test(dump)
    })
    for (const connection of [held, mine]) assert.match(await connection.say('after'), /after/)
    assert.deepEqual(await asked('near', '10.9.0.2'), ['10.9.0.3 hello', 1, 0])
    held.close()
    mine.close()
  })

  test('reset: an older connection is reset, whoever opened it', async () => {
    await bench.attach([])
    const held = await bench.hold('near', '10.9.0.2')
    const mine = await bench.hold('web', 'fd08::3')
    assert.match(await held.say('before'), /before/)
    await bench.attach([
      { guest: 'web', direction: 'ingress', onAttach: 'reset', name: 'r' },
      { guest: 'web', direction: 'egress', onAttach: 'reset', name: 'r' },
    ])
    assert.equal(await held.say('after'), 'closed ECONNRESET')
    assert.equal(await mine.say('after'), 'closed ECONNRESET')
  })

  test('draining: new ones pass, inspected ones are inspected to their end', async () => {
    const key = 't/web-ingress'
    await bench.attach([{ guest: 'web', direction: 'ingress' }])
    const held = await bench.hold('near', '10.9.0.2')
    const other = await bench.hold('far', 'fd09::2')
    for (const connection of [held, other]) assert.match(await connection.say('one'), /one/)
    await bench.attach([{ guest: 'web', direction: 'ingress', isDraining: true }])
    for (const connection of [held, other]) assert.match(await connection.say('two'), /two/)
    assert.deepEqual(await asked('near', '10.9.0.2'), ['10.9.0.3 hello', 0, 0])
    const connections = (await bench.controller.connections()).get(key)
    assert.equal(connections?.length, 2)
    assert.deepEqual(
      connections
        .map((tuple) => [tuple.sourceAddress, tuple.destinationPort])
        .sort((a, b) => (String(a) < String(b) ? -1 : 1)),
      [
        ['10.9.0.3', 80],
        ['fd08::3', 80],
      ],
    )
    assert.ok((await bench.controller.counters()).get(key)!.packets > 10)
    held.close()
    other.close()
    await waitUntil('no connection to be left', async () => {
      return !(await bench.controller.connections()).has(key)
    })
    await bench.attach([])
    assert.deepEqual(await asked('near', '10.9.0.2'), ['10.9.0.3 hello', 0, 0])
  })

  test('fail-open passes new connections, fail-closed drops them, inspected ones stay', async () => {
    const { controller } = bench
    await bench.attach([{ guest: 'web', direction: 'ingress' }])
    const held = await bench.hold('near', '10.9.0.2')
    await controller.setListening(new Set()).settled
    assert.deepEqual(await asked('near', '10.9.0.2'), ['10.9.0.3 hello', 0, 0])
    const passed = await bench.hold('far', '10.9.0.2')
    assert.match(await held.say('bypass'), /bypass/)
    await bench.attach([{ guest: 'web', direction: 'ingress', onFailure: 'closed' }])
    assert.deepEqual(await asked('near', '10.9.0.2'), ['TIMEOUT', 0, 0])
    assert.match(await held.say('closed?'), /closed\?/)
    assert.equal(await controller.reconcile(), null)
    await controller.setListening(bench.domains).settled
    assert.deepEqual(await asked('near', '10.9.0.2'), ['10.9.0.3 hello', 1, 0])
    for (const connection of [held, passed]) assert.match(await connection.say('back'), /back/)
    held.close()
    passed.close()
  })

  test('the flows of others decide about inspected connections too', async () => {
    const { topology } = bench
    const [web] = topology.guest('web').legs
    await bench.attach([{ guest: 'web', direction: 'ingress' }])
    assert.deepEqual(await asked('near', '10.9.0.2'), ['10.9.0.3 hello', 1, 0])
    await topology.ofctl(
      'add-flow',
      topology.managementSocket,
      `priority=70,tcp,nw_src=10.9.0.3,dl_dst=${web.mac},actions=drop`,
    )
    assert.match((await asked('near', '10.9.0.2'))[0], /TIMEOUT|ECONNRESET|CLOSED/)
    assert.deepEqual(await asked('far', '10.9.0.2'), ['10.8.0.3 hello', 1, 0])
    await topology.ofctl('del-flows', topology.managementSocket, 'tcp,nw_src=10.9.0.3')
  })

  test('the path MTU is learned by the inspector: ICMP errors reach it', async () => {
    const { topology } = bench
    await bench.attach([{ guest: 'web', direction: 'ingress' }])
    const narrow = (mtu: number): Promise<string[]> =>
      Promise.all([
        topology.exec('router', routeMtu('10.8.0.0/24', 'eth1', mtu)),
        topology.exec('router', routeMtu('fd08::/64', 'eth1', mtu)),
      ])
    await narrow(1300)
    for (const address of ['10.9.0.2', 'fd09::2']) {
      const held = await bench.hold('far', address)
      const line = 'x'.repeat(20_000)
      assert.ok((await held.say(line)).endsWith(line))
      held.close()
    }
    await narrow(1500)
  })

  test('fragments of inspected and of other connections arrive', async () => {
    const { topology } = bench
    await bench.attach([{ guest: 'web', direction: 'ingress', onAttach: 'reset' }])
    await topology.exec('far', ['sh', '-c', 'echo 1 >/proc/sys/net/ipv4/ip_no_pmtu_disc'])
    await topology.exec('router', routeMtu('10.9.0.0/24', 'eth0', 1300))
    for (const [port, inspected] of [
      [80, 1],
      [81, 0],
    ] as const) {
      const before = bench.inspectors[0].accepted.length
      const held = await bench.hold('far', '10.9.0.2', port)
      const line = 'y'.repeat(20_000)
      assert.ok((await held.say(line)).endsWith(line))
      assert.equal(bench.inspectors[0].accepted.length - before, inspected)
      held.close()
    }
    assert.ok((await fragmentsMade('router')) > 20)
    await topology.exec('router', routeMtu('10.9.0.0/24', 'eth0', 1500))
  })
})
