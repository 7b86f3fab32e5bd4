import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { GuestClient } from '#test/stage/guest-client.ts'
import type { LoadPlan } from '#test/stage/guest-protocol.ts'
import { ATTACK } from '#test/stage/attack.ts'
import { SERVER, Stage } from '#test/stage/stage.ts'
import { waitUntil } from '#test/topology/wait-until.ts'

/** Workers that die or hang: what new connections see, how fast, and that it is reported. */

/** The promise: by then new connections follow onFailure. */
const REACTION_MS = 200
/**
 * Share of connections that a starved machine (two cores that also kill and respawn processes all the
 * time) may lose after that, without the promise being broken.
 */
const MAX_LATE_SHARE = 0.01
/** How long the tests keep all workers dead. */
const OUTAGE_MS = 3000
const LOAD: LoadPlan = {
  host: SERVER,
  port: 80,
  path: '/',
  concurrency: 4,
  pauseMs: 5,
  timeoutMs: 1500,
  expect: 200,
  maxMs: 120_000,
}

const stage = new Stage({ workers: 2 })
let client: GuestClient
const nowMs = (): number => performance.timeOrigin + performance.now()
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

/** Keeps every supervisor and worker dead for a while. @returns when the first was killed */
async function keepAllWorkersDead(ms: number): Promise<number> {
  const killedAt = nowMs()
  for (const end = killedAt + ms; nowMs() < end;) {
    for (const pid of [...(await stage.supervisorPids()), ...(await stage.workerPids())]) {
      try {
        process.kill(pid, 'SIGKILL')
      } catch {
        // It died with its supervisor.
      }
    }
    await pause(10)
  }
  return killedAt
}

before(async () => {
  await stage.start()
  client = await stage.addWebAndLaptop()
  for (const onFailure of ['open', 'closed'] as const) {
    await stage.putChain({
      name: onFailure,
      inspectors: [{ type: 'waf', mode: 'block', rules: ['baseline'] }],
      onFailure,
    })
  }
})

after(() => stage.stop())

describe('one worker of two', () => {
  test('killed: costs only its own connections, and is replaced', async () => {
    await stage.attach('one', 'web', 'closed')
    const stopLoad = await client.load(LOAD)
    await pause(500)
    const [victim] = await stage.workerPids()
    const killedAt = nowMs()
    process.kill(victim, 'SIGKILL')
    await waitUntil('two workers again', async () => {
      const pids = await stage.workerPids()
      return pids.length === 2 && !pids.includes(victim)
    })
    await pause(500)
    const report = await stopLoad()
    assert.deepEqual(
      report.failures.filter((failure) => failure.openedAt > killedAt),
      [],
    )
    assert.ok(report.failures.length <= LOAD.concurrency)
  })

  test('hung: found by its heartbeat and replaced', async () => {
    const [victim] = await stage.workerPids()
    process.kill(victim, 'SIGSTOP')
    await waitUntil(
      'the hung worker is replaced',
      async () => {
        const pids = await stage.workerPids()
        return pids.length === 2 && !pids.includes(victim)
      },
      15_000,
    )
    const attack = await client.http({ host: SERVER, port: 80, path: ATTACK })
    assert.equal(attack.status, 403)
    await stage.detach('one')
  })
})

describe('no worker at all', () => {
  test(`open: new connections pass within ${REACTION_MS} ms, the interval is an alert, inspection returns`, async () => {
    await stage.attach('one', 'web', 'open')
    const stopLoad = await client.load(LOAD)
    await pause(500)
    const killedAt = await keepAllWorkersDead(OUTAGE_MS)
    const returned = await waitUntil(
      'inspection is back',
      async () => {
        const attack = await client
          .http({ host: SERVER, port: 80, path: ATTACK, timeoutMs: 1500 })
          .catch(() => null)
        return attack?.status === 403
      },
      20_000,
    )
    assert.ok(returned)
    const report = await stopLoad()
    const late = report.failures.filter((failure) => failure.openedAt > killedAt + REACTION_MS)
    const lastEarly = report.failures.findLast((failure) => failure.openedAt < killedAt + 1000)
    const reactionMs = Math.round((lastEarly?.openedAt ?? killedAt) - killedAt)
    console.log(
      `${report.sent} connections, ${report.failures.length} failed, the last of the first second was opened ${reactionMs} ms after the kill, ${late.length} later than ${REACTION_MS} ms`,
    )
    assert.ok(late.length <= report.sent * MAX_LATE_SHARE, JSON.stringify(late.slice(0, 10)))
    const alert = await waitUntil('the alert of the bypass', async () => {
      const found = await stage.api.alerts('&inspector=portcullis')
      return found.find(({ portcullis }) => portcullis.verdict === 'bypassed')
    })
    assert.equal(alert.portcullis.attachment, 'one')
    await stage.detach('one')
  })

  test(`closed: from ${REACTION_MS} ms on no connection passes, and inspection returns`, async () => {
    await stage.attach('one', 'web', 'closed')
    const dead = keepAllWorkersDead(OUTAGE_MS)
    await pause(REACTION_MS)
    await waitUntil(
      'the agent says so',
      async () => (await stage.attachmentStatus('one'))?.state === 'blocked',
    )
    for (let index = 0; index < 5; index++) {
      await assert.rejects(client.http({ host: SERVER, port: 80, path: '/', timeoutMs: 300 }))
    }
    await dead
    await waitUntil(
      'inspection is back',
      async () => {
        const answer = await client
          .http({ host: SERVER, port: 80, path: '/', timeoutMs: 1500 })
          .catch(() => null)
        return answer?.status === 200
      },
      20_000,
    )
    const attack = await client.http({ host: SERVER, port: 80, path: ATTACK })
    assert.equal(attack.status, 403)
    await stage.detach('one')
  })
})
