import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { GuestClient } from '#test/stage/guest-client.ts'
import type { LoadPlan } from '#test/stage/guest-protocol.ts'
import { ATTACK } from '#test/stage/attack.ts'
import { SERVER, Stage } from '#test/stage/stage.ts'
import { runCommand } from '#test/topology/run-command.ts'
import { waitUntil } from '#test/topology/wait-until.ts'

/** Restarts of every process under load. */

const LOAD: LoadPlan = {
  host: SERVER,
  port: 80,
  path: '/',
  concurrency: 8,
  pauseMs: 2,
  timeoutMs: 5000,
  expect: 200,
  maxMs: 120_000,
}
const stage = new Stage()
let client: GuestClient

const attackStatus = async (): Promise<number> =>
  (await client.http({ host: SERVER, port: 80, path: ATTACK })).status
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

before(async () => {
  await stage.start()
  client = await stage.addWebAndLaptop()
  await stage.putChain({
    name: 'waf',
    inspectors: [{ type: 'waf', mode: 'block', rules: ['baseline'] }],
    onFailure: 'closed',
  })
  await stage.attach('one', 'web', 'waf')
})

after(() => stage.stop())

test('an agent that is killed and started again loses no request, and adopts the workers', async () => {
  const workers = await stage.workerPids()
  const stopLoad = await client.load(LOAD)
  await pause(500)
  await stage.agent.kill('SIGKILL')
  await pause(1000)
  assert.equal(await attackStatus(), 403, 'inspection goes on without the agent')
  await stage.startAgent()
  await waitUntil(
    'realized after the restart',
    async () => (await stage.attachmentStatus('one'))?.state === 'realized',
  )
  await pause(1000)
  const report = await stopLoad()
  assert.deepEqual(report.failures, [])
  assert.ok(report.ok > 200, `${report.ok} requests are too few to tell`)
  assert.deepEqual(await stage.workerPids(), workers)
})

test('a stopped and restarted agent loses no request', async () => {
  const stopLoad = await client.load(LOAD)
  await pause(500)
  await stage.agent.stop()
  await pause(500)
  await stage.startAgent()
  await pause(1500)
  assert.deepEqual((await stopLoad()).failures, [])
  assert.equal(await attackStatus(), 403)
})

test('after a restart of ovs-vswitchd the flows are back', async () => {
  await stage.topology.killSwitch()
  await stage.topology.startSwitch()
  await stage.topology.addBaseFlow()
  await waitUntil(
    'inspection is back',
    async () => (await attackStatus().catch(() => 0)) === 403,
    30_000,
  )
  const benign = await client.http({ host: SERVER, port: 80, path: '/' })
  assert.equal(benign.status, 200)
})

test('flows that somebody deletes are put back, and counted', async () => {
  const before = (await stage.hosts())[0].driftRepaired
  await stage.topology.ofctl(
    'del-flows',
    stage.topology.managementSocket,
    'cookie=0x9c15000000000000/0xffff000000000000',
  )
  // Counted when they are back: till then the datapath may answer for flows that are gone.
  await waitUntil(
    'the drift is counted',
    async () => (await stage.hosts())[0].driftRepaired > before,
    30_000,
  )
  await waitUntil(
    'the drift is repaired',
    async () => (await attackStatus().catch(() => 0)) === 403,
    30_000,
  )
})

test('without Redis inspection goes on and alerts wait; both are there after its return', async () => {
  const { stdout } = await runCommand(['redis-cli', '-s', stage.redisSocket, 'info', 'server'])
  const pid = Number(/process_id:(\d+)/.exec(stdout)?.[1])
  assert.ok(pid > 1)
  process.kill(pid, 'SIGSTOP')
  let blocked: string | undefined
  try {
    const attack = await client.http({ host: SERVER, port: 80, path: ATTACK })
    assert.equal(attack.status, 403)
    blocked = attack.headers['x-portcullis-request-id']
    await pause(3000)
    assert.equal(await attackStatus(), 403)
  } finally {
    process.kill(pid, 'SIGKILL')
  }
  await waitUntil(
    'the alert from the time without Redis',
    async () => {
      const found = await stage.api.alerts(`&request_id=${blocked}`).catch(() => [])
      return found.length === 1
    },
    30_000,
  )
  await waitUntil(
    'the API writes again',
    () =>
      stage.putChain({ name: 'empty', inspectors: [], onFailure: 'open' }).then(
        () => true,
        () => false,
      ),
    30_000,
  )
  assert.equal((await stage.attachmentStatus('one'))?.state, 'realized')
})

test('a manager that is killed and started again forgets nothing', async () => {
  await stage.manager.kill('SIGKILL')
  assert.equal(await attackStatus(), 403)
  await stage.startManager()
  await waitUntil(
    'the agent is seen again',
    async () => (await stage.attachmentStatus('one').catch(() => undefined))?.state === 'realized',
    30_000,
  )
  assert.ok((await stage.api.alerts()).length > 0)
})
