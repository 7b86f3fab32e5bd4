import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { FakeAgent } from '#test/chain/fake-agent.ts'
import { TestManager } from '#test/chain/test-manager.ts'
import { waitUntil } from '#test/topology/wait-until.ts'

const manager = new TestManager()
const agents: FakeAgent[] = []

async function agent(host: string, interfaceIds: string[]): Promise<FakeAgent> {
  const made = new FakeAgent(manager.redisUrl, host, interfaceIds)
  agents.push(made)
  await made.start()
  return made
}

let first: FakeAgent

before(async () => {
  await manager.start()
  await manager.port('web', 'acme')
  await manager.chain('shop', 'acme')
  first = await agent('h1', ['iface-acme-web', 'iface-of-nobody'])
})
after(async () => {
  for (const one of agents) one.stop()
  await manager.end()
})

const wait = (id: string, fields: object = {}) =>
  manager.attach(id, 'acme', fields, '&wait=realized&timeout=8')

test('attach answers when the agent reports it in force, with what the agent says', async () => {
  const { status, body } = await wait('one')
  assert.equal(status, 201)
  assert.equal(body.status.state, 'realized')
  assert.equal(body.status.hosts[0].host, 'h1')
  const snapshot = first.snapshots.at(-1)!
  assert.deepEqual(
    snapshot.attachments.map(({ id }) => id),
    ['one'],
  )
  assert.deepEqual(
    snapshot.ports.map(({ id }) => id),
    ['web'],
  )
})

test('a host gets only what concerns its own ports', async () => {
  await manager.port('far', 'acme', { addresses: ['10.0.0.77'] })
  const before = first.snapshots.length
  const second = await agent('h2', ['iface-acme-far'])
  await manager.chain('far', 'acme')
  const far = { port: 'far', chain: 'far' }
  const { status } = await manager.attach('two', 'acme', far, '&wait=realized')
  assert.equal(status, 201)
  assert.deepEqual(
    second.snapshots.at(-1)!.attachments.map(({ id }) => id),
    ['two'],
  )
  assert.equal(first.snapshots.length, before)
})

test('a host that does not know its ports at the moment keeps what it has', async () => {
  const { length } = first.snapshots
  const shop = (onFailure: string) =>
    manager.call('PUT /v1/chains/shop?tenant=acme', { inspectors: [], onFailure })
  first.isSwitchConnected = false
  await first.report()
  await shop('closed')
  await waitUntil('the next snapshot', () => first.snapshots.length > length)
  first.isSwitchConnected = true
  await shop('open')
  await waitUntil('another', () => first.snapshots.length > length + 1)
  for (const { attachments } of first.snapshots.slice(length))
    assert.deepEqual(
      attachments.map(({ id }) => id),
      ['one'],
    )
})

test('a port that moves is in both hosts’ snapshots while both have it', async () => {
  const third = await agent('h3', ['iface-acme-web'])
  await waitUntil('h3 has the attachment', () => third.snapshots.at(-1)?.attachments.length === 1)
  const { body } = await manager.call('GET /v1/attachments/one/status')
  assert.deepEqual(
    body.hosts.map(({ host }: { host: string }) => host),
    ['h1', 'h3'],
  )
  third.interfaceIds = []
  await third.report()
  await waitUntil('h3 has it no more', () => third.snapshots.at(-1)?.attachments.length === 0)
})

test('a change that workers do not put in force in time is a 504 with the reason, and stays', async () => {
  first.isEnforcing = false
  const { status, body } = await manager.call(
    'PUT /v1/chains/shop?tenant=acme&wait=realized&timeout=1',
    { inspectors: [], onFailure: 'closed' },
  )
  assert.equal(status, 504)
  assert.equal(body.code, 'not-realized')
  assert.equal(body.attachment, 'one')
  assert.match(body.detail, /h1.*generation \d+ is not in force yet/)
  assert.equal((await manager.call('GET /v1/chains/shop')).body.onFailure, 'closed')
  const pending = await manager.call('GET /v1/attachments/one')
  assert.equal(pending.body.status.state, 'pending')
  first.isEnforcing = true
  await manager.chain('shop', 'acme')
  await waitUntil('it is in force again', async () => {
    const { body } = await manager.call('GET /v1/attachments/one/status')
    return body.state === 'realized'
  })
})

test('a port that no agent has leaves its attachment pending, and says so', async () => {
  await manager.port('lost', 'acme', { addresses: ['10.0.0.78'] })
  const { status, body } = await manager.attach(
    'three',
    'acme',
    { port: 'lost' },
    '&wait=realized&timeout=0',
  )
  assert.equal(status, 504)
  assert.match(body.detail, /no agent has an interface with iface-id iface-acme-lost/)
  assert.equal((await manager.call('DELETE /v1/attachments/three')).status, 204)
})

test('detach waits until no agent steers new connections', async () => {
  await wait('gone', { classifiers: [{ protocol: 'tcp', destinationPorts: [81] }] })
  const { status } = await manager.call('DELETE /v1/attachments/gone?wait=realized&timeout=8')
  assert.equal(status, 204)
  assert.ok(!first.snapshots.at(-1)!.attachments.some(({ id }) => id === 'gone'))
})

test('detach waits for an agent that has yet to read of it: it may read of the attach first', async () => {
  first.isReading = false
  const brief = { classifiers: [{ protocol: 'tcp', destinationPorts: [83] }] }
  await manager.attach('brief', 'acme', brief)
  await waitUntil('it is offered', async () => (await first.offered()).includes('brief'))
  const remove = 'DELETE /v1/attachments/brief?wait=realized'
  const { status, body } = await manager.call(`${remove}&timeout=1`)
  assert.equal(status, 504)
  assert.deepEqual(body.hosts, ['h1'])
  await manager.attach('brief', 'acme', brief)
  await waitUntil('it is offered again', async () => (await first.offered()).includes('brief'))
  const removed = manager.call(`${remove}&timeout=8`)
  first.isReading = true
  assert.equal((await removed).status, 204)
})

test('unrelated changes do not make an attachment pending', async () => {
  first.isEnforcing = false
  const before = first.snapshots.length
  await manager.chain('other', 'acme')
  await manager.attach('other', 'acme', {
    chain: 'other',
    classifiers: [{ protocol: 'tcp', destinationPorts: [82] }],
  })
  await waitUntil('h1 read the new snapshot', () => first.snapshots.length > before)
  const { body } = await manager.call('GET /v1/attachments/one/status')
  assert.equal(body.state, 'realized')
  first.isEnforcing = true
  assert.equal((await manager.call('DELETE /v1/attachments/other?wait=realized')).status, 204)
})

test('a dry run names the hosts and attachments that would change', async () => {
  const { body } = await manager.call('PUT /v1/chains/shop?tenant=acme&dry_run=true', {
    inspectors: [],
    onFailure: 'closed',
  })
  assert.deepEqual(body.hosts, [
    {
      host: 'h1',
      attachmentsAdded: [],
      attachmentsChanged: ['acme/one'],
      attachmentsRemoved: [],
    },
  ])
})

test('an agent whose lease runs out is shown as gone, and so is what it had', async () => {
  await first.vanish()
  const host = await waitUntil('h1 is gone', async () => {
    const { body } = await manager.call('GET /v1/status')
    const found = body.hosts.find(({ host }: { host: string }) => host === 'h1')
    return found.state === 'gone' && found
  })
  assert.deepEqual(host.attachments, [])
  const { body } = await manager.call('GET /v1/attachments/one/status')
  assert.equal(body.state, 'pending')
  assert.match(body.reason, /the agent of host h1, which had port web, is gone/)
})

test('a wait longer than allowed is refused', async () => {
  const { status, body } = await manager.attach('one', 'acme', {}, '&wait=realized&timeout=121')
  assert.equal(status, 400)
  assert.equal(body.errors[0].pointer, '/timeout')
})
