import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { Socket } from 'node:net'
import { test } from 'node:test'
import type { DomainConfig } from '#chain/model/domain.ts'
import { MAX_DRAINING_GENERATIONS } from '#inspectors/supervisor/supervisor.ts'
import {
  connect,
  httpEcho,
  type Outcome,
  outcomeOf,
  startUpstream,
  until,
} from '../proxy/harness.ts'
import { spooled, workerPids } from './probes.ts'
import { supervised } from './supervised.ts'

const port = (id: string): DomainConfig['ports'][number] => ({
  id,
  tenant: 'acme',
  network: 'n',
  interfaceId: id,
  addresses: ['10.0.0.1'],
})

/** Opens a connection through the site that becomes a tunnel and echoes. */
async function openTunnel(port: number): Promise<{ socket: Socket; outcome: Promise<Outcome> }> {
  const socket = connect(port)
  const answered = once(socket, 'data')
  socket.write('GET /ws HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n')
  const [head] = (await answered) as [Buffer]
  assert.match(head.toString('latin1'), /^HTTP\/1.1 101 /)
  return { socket, outcome: outcomeOf(socket) }
}

/** Answers a request to upgrade, and then echoes. */
function tunnelEcho(socket: Socket): void {
  socket.once('data', () => {
    socket.write('HTTP/1.1 101 Switching\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n')
    socket.on('data', (chunk: Buffer) => socket.write(chunk))
  })
  socket.on('end', () => socket.end())
}

test('tunnels outlive rolls; those of too old a configuration are ended, which is an alert', async () => {
  await using upstream = await startUpstream(tunnelEcho)
  await using site = supervised(upstream.port)
  const tunnels = []
  for (let generation = 0; generation <= MAX_DRAINING_GENERATIONS; generation++) {
    await site.supervisor.apply(site.config({ workers: 1 }))
    tunnels.push(await openTunnel(site.port))
  }
  assert.equal(site.supervisor.status.draining, MAX_DRAINING_GENERATIONS)
  for (const { socket } of tunnels) {
    const echoed = once(socket, 'data')
    socket.write('still here')
    assert.equal(String((await echoed)[0]), 'still here')
  }
  await site.supervisor.apply(site.config({ workers: 1 }))
  const [first, ...others] = tunnels
  assert.equal((await first?.outcome)?.reset, true)
  await until(
    'its worker to end',
    () => site.supervisor.status.draining === MAX_DRAINING_GENERATIONS,
  )
  const alerts = spooled(site.spoolFolder).map(({ alert }) => alert)
  assert.deepEqual(
    alerts.map(({ signature_id, signature }) => [signature_id, signature]),
    [[103, 'a worker of generation 1 ended before 1 of its connections, which were reset']],
  )
  for (const { socket } of others) assert.equal(socket.destroyed, false)
})

test('a roll has a last deadline, and what it cuts off is an alert', async () => {
  await using upstream = await startUpstream(tunnelEcho)
  await using site = supervised(upstream.port, { rollDrainMs: 50 })
  await site.supervisor.apply(site.config({ workers: 1 }))
  const { outcome } = await openTunnel(site.port)
  await site.supervisor.apply(site.config({ workers: 1 }))
  assert.equal((await outcome).reset, true)
  await until('the alert', () => spooled(site.spoolFolder).length === 1)
})

test('a connection that is cut off because somebody asked for the end is no alert', async () => {
  await using upstream = await startUpstream(tunnelEcho)
  await using site = supervised(upstream.port)
  await site.supervisor.apply(site.config({ workers: 1 }))
  const { outcome } = await openTunnel(site.port)
  await site.supervisor.stop(0)
  assert.equal((await outcome).reset, true)
  assert.deepEqual(spooled(site.spoolFolder), [])
})

test('other ports and attachments replace no worker and cut no connection', async () => {
  await using upstream = await startUpstream(tunnelEcho)
  await using site = supervised(upstream.port)
  await site.supervisor.apply(site.config())
  const before = workerPids()
  const { socket } = await openTunnel(site.port)
  for (let change = 1; change <= 2 * MAX_DRAINING_GENERATIONS; change++) {
    const status = await site.supervisor.apply(site.config({ ports: [port(`p${change}`)] }))
    assert.deepEqual([status.generation, status.listening, status.draining], [change + 1, 2, 0])
  }
  assert.deepEqual(workerPids(), before)
  const echoed = once(socket, 'data')
  socket.write('still here')
  assert.equal(String((await echoed)[0]), 'still here')
  socket.destroy()
  // A replacement starts with what is in force now; other rules replace workers as ever.
  const [victim] = before
  assert.ok(victim)
  process.kill(victim, 'SIGKILL')
  await until('the replacement', () => site.supervisor.status.restarts === 1)
  await until('it listens', () => site.supervisor.status.listening === 2)
  const next = await site.supervisor.apply(site.config({ rules: ['other'] }))
  assert.equal(next.listening, 2)
  await until('the old workers to end', () => !before.some((pid) => workerPids().includes(pid)))
})

test('other attachments while a worker still loads reach it too', async () => {
  await using upstream = await startUpstream(httpEcho)
  await using site = supervised(upstream.port)
  const first = assert.rejects(
    site.supervisor.apply(site.config({ workers: 3 })),
    /superseded by generation 2/,
  )
  await until('the first worker', () => site.supervisor.status.listening === 1)
  const status = await site.supervisor.apply(site.config({ workers: 3, ports: [port('p')] }))
  await first
  assert.deepEqual([status.generation, status.listening, status.restarts], [2, 3, 0])
  assert.equal(workerPids().length, 3)
})
