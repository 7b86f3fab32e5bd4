import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { existsSync, readFileSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { PrivateRedis } from '#chain/store/redis-server.ts'
import { FakeAgent } from '#test/chain/fake-agent.ts'
import { sendAlerts, someAlert } from '#test/chain/alerts/send-alerts.ts'
import { TestManager } from '#test/chain/test-manager.ts'
import { waitUntil } from '#test/topology/wait-until.ts'

/** Redis stops, dies, hangs and comes back: the API says so meanwhile and recovers by itself. */

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

/** Pid of the redis-server that has the socket of this test's folder. */
async function redisPid(): Promise<number> {
  const { execFileSync } = await import('node:child_process')
  const lines = execFileSync('ps', ['-eo', 'pid,args'], { encoding: 'utf8' }).split('\n')
  const line = lines.find((one) => one.includes('redis-server') && one.includes(manager.folder))
  return Number(line?.trim().split(' ')[0])
}

test('only its owner gets at the data', () => {
  assert.equal(statSync(manager.folder).mode & 0o077, 0)
  assert.equal(statSync(join(manager.folder, 'redis.sock')).mode & 0o077, 0)
  assert.equal(statSync(join(manager.folder, 'operator.token')).mode & 0o077, 0)
  assert.equal(statSync(join(manager.folder, 'client.json')).mode & 0o077, 0)
})

test('while Redis hangs the API says 503 as a problem, and then goes on', async () => {
  const pid = await redisPid()
  process.kill(pid, 'SIGSTOP')
  try {
    const { status, body, headers } = await manager.call('GET /v1/ports')
    assert.equal(status, 503)
    assert.equal(body.code, 'unavailable')
    assert.equal(headers.get('retry-after'), '1')
  } finally {
    process.kill(pid, 'SIGCONT')
  }
  await waitUntil(
    'it answers again',
    async () => (await manager.call('GET /readyz')).status === 200,
  )
})

test('a Redis that is killed is started again, with every acknowledged write', async () => {
  const { body: written } = await manager.port('written', 'acme', { addresses: ['10.0.0.9'] })
  const pid = await redisPid()
  process.kill(pid, 'SIGKILL')
  const during = await waitUntil(
    'the API notices',
    async () => {
      const answer = await manager.call('GET /readyz')
      return answer.status === 503 && answer
    },
    3000,
  ).catch(() => null)
  if (during !== null) assert.equal(during.body.code, 'unavailable')
  await waitUntil(
    'it answers again',
    async () => (await manager.call('GET /readyz')).status === 200,
  )
  assert.notEqual(await redisPid(), pid)
  const { status, body } = await manager.call('GET /v1/ports/written')
  assert.equal(status, 200)
  assert.equal(body.revision, written.revision)
})

test('after that, attaching, waiting and alerts work as before', async () => {
  await waitUntil('the agent is known again', async () => {
    await agent.report()
    const { body } = await manager.call('GET /v1/status')
    return body.hosts?.[0]?.state === 'live'
  })
  const { status, body } = await manager.attach('one', 'acme', {}, '&wait=realized')
  assert.equal(status, 201, JSON.stringify(body))
  await sendAlerts(manager.redisUrl, [someAlert('after', 'acme')])
  await waitUntil(
    'the alert is in the inbox',
    async () => (await manager.call('GET /v1/alerts/after')).status === 200,
    20_000,
  )
})

test('a manager that ends and starts again has everything; its lock and socket are gone between', async () => {
  const generation = agent.snapshots.at(-1)!.generation
  await manager.close()
  for (const file of ['redis.sock', 'manager.lock', 'client.json']) {
    assert.ok(!existsSync(join(manager.folder, file)), file)
  }
  const token = readFileSync(join(manager.folder, 'operator.token'), 'utf8')
  await manager.start()
  assert.equal(readFileSync(join(manager.folder, 'operator.token'), 'utf8'), token)
  assert.equal((await manager.call('GET /v1/attachments/one')).status, 200)
  await waitUntil('the agent is heard again', async () => {
    await agent.step()
    const { body } = await manager.call('GET /v1/attachments/one')
    return body.status.state === 'realized'
  })
  assert.equal(agent.snapshots.at(-1)!.generation, generation, 'nothing changed: nothing published')
})

test('a second manager on the same folder is refused and harms nothing', async () => {
  const second = new TestManager()
  rmSync(second.folder, { recursive: true })
  Object.assign(second, { folder: manager.folder })
  await assert.rejects(second.start(), /another manager \(pid \d+\)/)
  assert.equal((await manager.call('GET /readyz')).status, 200)
})

test('a server that a crashed manager left behind is shut down, its data kept', async () => {
  await manager.close()
  const socket = join(manager.folder, 'redis.sock')
  const folder = join(manager.folder, 'redis')
  const args = ['--port', '0', '--unixsocket', socket, '--dir', folder, '--appendonly', 'yes']
  const orphan = spawn('redis-server', args, { stdio: 'ignore' })
  const ended = new Promise((resolve) => orphan.once('exit', resolve))
  await waitUntil('the orphan listens', () => existsSync(socket))
  await manager.start()
  await ended
  assert.equal((await manager.call('GET /v1/ports/written')).status, 200)
})

test('a data folder whose socket path is too long is refused with the remedy', () => {
  const socket = `/${'x'.repeat(120)}/redis.sock`
  assert.throws(
    () => new PrivateRedis({ folder: '/tmp', socket, log: () => {} }),
    /shorter --data folder/,
  )
})
