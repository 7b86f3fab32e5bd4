import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { GuestClient } from '#test/stage/guest-client.ts'
import type { HttpResult } from '#test/stage/guest-protocol.ts'
import { ATTACK } from '#test/stage/attack.ts'
import { Stage } from '#test/stage/stage.ts'
import type { Guest } from '#test/topology/topology.ts'

/**
 * Every way a packet may take to an inspected port and back: families, directions, VLANs, routers. On each
 * path a benign request passes with the client's own address and an attack is blocked.
 */

const stage = new Stage()
const guests = new Map<string, Guest>()
const clients = new Map<string, GuestClient>()

interface PathCase {
  readonly name: string
  readonly from: string
  readonly to: string
  readonly server: string
  /** What the server must see as the client's address. */
  readonly client: string
}

async function assertInspected(path: PathCase): Promise<void> {
  const client = clients.get(path.from)!
  const call = { host: path.server, port: 80 }
  const benign: HttpResult = await client.http({ ...call, path: '/benign' })
  assert.equal(benign.status, 200)
  assert.equal((JSON.parse(benign.body) as { client: string }).client, path.client)
  const attack = await client.http({ ...call, path: ATTACK })
  assert.equal(attack.status, 403, 'the attack must be blocked')
  assert.ok(attack.headers['x-portcullis-request-id'])
  const form = 'comment='.padEnd(20_000, 'x')
  const large = await client.http({
    ...call,
    path: '/post',
    method: 'POST',
    body: form,
    headers: {
      'content-type': 'application/x-www-form-urlencoded',
      'content-length': String(form.length),
    },
  })
  assert.equal((JSON.parse(large.body) as { bytes: number }).bytes, form.length)
  const download = await client.http({ ...call, path: '/large' })
  assert.equal(download.body.length, 4 * 1024 * 1024, 'a large answer arrives whole')
}

async function assertNotInspected(path: PathCase): Promise<void> {
  const attack = await clients.get(path.from)!.http({ host: path.server, port: 80, path: ATTACK })
  assert.equal(attack.status, 200, 'nothing of ours is in the way')
}

before(async () => {
  await stage.start()
  const add = async (
    name: string,
    addresses: string[],
    vlan?: number,
    gateways?: string[],
  ): Promise<void> => {
    const guest = await stage.addGuest({
      name,
      interfaceId: `iface-${name}`,
      addresses,
      ...(vlan === undefined ? {} : { vlan }),
      ...(gateways === undefined ? {} : { gateways }),
    })
    guests.set(name, guest)
  }
  await add('web', ['10.0.0.5/24', 'fd00::5/64'], undefined, ['10.0.0.1', 'fd00::1'])
  await add('laptop', ['10.0.0.9/24', 'fd00::9/64'])
  await add('tagged-web', ['10.2.0.5/24'], 20)
  await add('tagged-laptop', ['10.2.0.9/24'], 20)
  await add('far', ['10.9.0.9/24', 'fd09::9/64'], 30, ['10.9.0.1', 'fd09::1'])
  await stage.topology.addRouter({
    name: 'router',
    legs: [
      { interfaceId: 'iface-router-near', addresses: ['10.0.0.1/24', 'fd00::1/64'] },
      { interfaceId: 'iface-router-far', addresses: ['10.9.0.1/24', 'fd09::1/64'], vlan: 30 },
    ],
  })
  for (const name of ['web', 'tagged-web']) await stage.serve(guests.get(name)!)
  for (const name of ['laptop', 'tagged-laptop', 'far'])
    clients.set(name, await stage.client(guests.get(name)!))
  await stage.registerPort(guests.get('web')!, 'net-1')
  await stage.registerPort(guests.get('laptop')!, 'net-1')
  await stage.registerPort(guests.get('tagged-web')!, 'net-2')
  await stage.registerPort(guests.get('tagged-laptop')!, 'net-2')
  await stage.registerPort(guests.get('far')!, 'net-9')
  await stage.putChain({
    name: 'waf',
    inspectors: [{ type: 'waf', mode: 'block', rules: ['baseline'] }],
    onFailure: 'closed',
  })
})

after(() => stage.stop())

const IPV4: PathCase = {
  name: 'IPv4',
  from: 'laptop',
  to: 'web',
  server: '10.0.0.5',
  client: '10.0.0.9',
}
const IPV6: PathCase = {
  name: 'IPv6',
  from: 'laptop',
  to: 'web',
  server: 'fd00::5',
  client: 'fd00::9',
}
const TAGGED: PathCase = {
  name: 'VLAN',
  from: 'tagged-laptop',
  to: 'tagged-web',
  server: '10.2.0.5',
  client: '10.2.0.9',
}
const ROUTED: PathCase = {
  name: 'routed IPv4',
  from: 'far',
  to: 'web',
  server: '10.0.0.5',
  client: '10.9.0.9',
}
const ROUTED6: PathCase = {
  name: 'routed IPv6',
  from: 'far',
  to: 'web',
  server: 'fd00::5',
  client: 'fd09::9',
}

describe('one end attached', () => {
  for (const direction of ['ingress', 'egress'] as const) {
    for (const path of [IPV4, IPV6, TAGGED, ROUTED, ROUTED6]) {
      test(`${direction}, ${path.name}: inspected, client's address kept, restored by detach`, async () => {
        await stage.attach('one', direction === 'ingress' ? path.to : path.from, 'waf', {
          direction,
        })
        await assertInspected(path)
        await stage.detach('one')
        await assertNotInspected(path)
      })
    }
  }
})

describe('both ends attached at once', () => {
  for (const path of [IPV4, IPV6, TAGGED, ROUTED]) {
    test(`${path.name}: each end's chain sees the connection`, async () => {
      await stage.attach('client-side', path.from, 'waf', { direction: 'egress' })
      await stage.attach('server-side', path.to, 'waf', { direction: 'ingress' })
      await assertInspected(path)
      await stage.detach('client-side')
      await assertInspected(path)
      await stage.detach('server-side')
      await assertNotInspected(path)
    })
  }
})

describe('classifiers', () => {
  test('only the ports and far sides that were selected are inspected', async () => {
    await stage.attach('one', 'web', 'waf', {
      classifiers: [
        { protocol: 'tcp', destinationPorts: [{ from: 8000, to: 8100 }] },
        { protocol: 'tcp', destinationPorts: [80], remote: '10.9.0.0/16' },
      ],
    })
    await assertNotInspected(IPV4)
    await assertInspected(ROUTED)
    await stage.detach('one')
  })

  test('any port, without a new listener', async () => {
    await stage.attach('one', 'web', 'waf', {
      classifiers: [{ protocol: 'tcp', destinationPorts: 'any' }],
    })
    await assertInspected(IPV4)
    await stage.detach('one')
  })
})
