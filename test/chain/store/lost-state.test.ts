import assert from 'node:assert/strict'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { FakeAgent } from '#test/chain/fake-agent.ts'
import { TestManager } from '#test/chain/test-manager.ts'
import { waitUntil } from '#test/topology/wait-until.ts'

/** The store comes back empty: agents take what is asked for now, although it counts from one again. */

const manager = new TestManager()
let agent: FakeAgent

before(async () => {
  await manager.start()
  await manager.port('web', 'acme')
  await manager.chain('shop', 'acme')
  agent = new FakeAgent(manager.redisUrl, 'h1', ['iface-acme-web'])
  await agent.start()
})
after(async () => {
  agent.stop()
  await manager.end()
})

test('a lost store raises the epoch, and the agent follows the new state', async () => {
  for (const priority of [1, 2, 3]) {
    const { status } = await manager.attach('one', 'acme', { priority }, '&wait=realized')
    assert.ok(status < 300)
  }
  const before = agent.snapshots.at(-1)!
  assert.ok(before.generation >= 3)
  await manager.close()
  rmSync(join(manager.folder, 'redis'), { recursive: true })
  await manager.start()
  assert.equal((await manager.call('GET /v1/ports')).body.items.length, 0)
  await manager.port('web', 'acme')
  await manager.chain('shop', 'acme')
  await waitUntil('the agent is heard', async () => {
    await agent.step()
    const { body } = await manager.call('GET /v1/status')
    return body.hosts.length === 1
  })
  const { status } = await manager.attach('two', 'acme', {}, '&wait=realized')
  assert.equal(status, 201)
  const now = agent.snapshots.at(-1)!
  assert.ok(now.epoch > before.epoch, `${now.epoch} after ${before.epoch}`)
  assert.deepEqual(
    now.attachments.map(({ id }) => id),
    ['two'],
  )
})

test('three hundred attachments are written in seconds and compiled for their host', async () => {
  const count = 300
  const ids = Array.from({ length: count }, (_, index) => index + 1)
  const startedAt = performance.now()
  agent.interfaceIds = ids.map((index) => `iface-acme-p${index}`)
  for (let first = 0; first < count; first += 50) {
    await Promise.all(
      ids.slice(first, first + 50).map(async (index) => {
        const addresses = [`10.1.${index >> 8}.${index & 255}`]
        const port = await manager.port(`p${index}`, 'acme', { addresses, network: 'big' })
        assert.equal(port.status, 201)
        const attachment = await manager.attach(`a${index}`, 'acme', { port: `p${index}` })
        assert.equal(attachment.status, 201)
      }),
    )
  }
  await agent.report()
  await waitUntil(
    'the snapshot has them all',
    () => agent.snapshots.at(-1)?.attachments.length === count,
    30_000,
  )
  const seconds = (performance.now() - startedAt) / 1000
  assert.ok(seconds < 90, `${seconds} s`)
})
