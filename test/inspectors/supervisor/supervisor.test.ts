import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { test } from 'node:test'
import { parseSpoolFileName } from '#chain/model/spool.ts'
import { httpEcho, startUpstream, until } from '../proxy/harness.ts'
import { isSpare, spooled, workerPids } from './probes.ts'
import { fetchOnce, startLoad, supervised } from './supervised.ts'

test('applies a configuration, serves, reports, stops', async () => {
  await using upstream = await startUpstream(httpEcho)
  await using site = supervised(upstream.port)
  assert.equal(site.supervisor.status.generation, 0)
  const status = await site.supervisor.apply(site.config())
  assert.deepEqual(
    [status.generation, status.listening, status.wanted, status.refused],
    [1, 2, 2, null],
  )
  assert.deepEqual(site.supervisor.chains, ['shop: waf(block, 1 rules)'])
  const { status: code, body } = await fetchOnce(site.port, '/hello')
  assert.deepEqual([code, body], [200, 'target /hello'])
  await until('the metrics of the request', () =>
    /portcullis_requests_total 1\n/.test(site.supervisor.metrics()),
  )
  assert.match(
    site.supervisor.metrics(),
    /# TYPE portcullis_inspection_seconds histogram\n(?:portcullis_inspection_seconds_\w+\{[^}]*\} [\d.e-]+\n)+/,
  )
  await site.supervisor.stop(1000)
  assert.equal(site.supervisor.status.listening, 0)
  assert.deepEqual(workerPids(), [])
})

test('the page of a blocked request shows the id under which its alert is in the spool', async () => {
  await using upstream = await startUpstream(httpEcho)
  await using site = supervised(upstream.port)
  await site.supervisor.apply(site.config())
  const { status, requestId, body } = await fetchOnce(site.port, '/attack')
  assert.equal(status, 403)
  assert.ok(body.includes(requestId))
  // No waiting: the record was written before the answer.
  const records = spooled(site.spoolFolder)
  const [record] = records.filter(({ portcullis }) => portcullis.request_id === requestId)
  assert.equal(record?.portcullis.verdict, 'blocked')
  assert.equal(record?.portcullis.tenant, 'acme')
  assert.equal(record?.host, 'host-1')
})

test('a configuration that does not load is refused with file, line and column; nothing changes', async () => {
  await using upstream = await startUpstream(httpEcho)
  await using site = supervised(upstream.port)
  await site.supervisor.apply(site.config())
  const before = workerPids()
  for (const rules of [['broken'], ['crash']]) {
    await assert.rejects(
      site.supervisor.apply(site.config({ rules })),
      rules[0] === 'broken'
        ? /^Error: \/rules\/broken:3:7: unknown operator @foo \(TEST\)$/
        : /ended while it loaded the configuration \(exit code 7\)/,
    )
  }
  const { status } = site.supervisor
  assert.deepEqual([status.generation, status.listening, status.restarts], [1, 2, 0])
  assert.deepEqual([status.refused?.generation], [3])
  await until('the refused workers to be gone', () => workerPids().length === 2)
  assert.deepEqual(workerPids(), before)
  assert.equal((await fetchOnce(site.port)).status, 200)
  const next = await site.supervisor.apply(site.config())
  assert.deepEqual([next.generation, next.refused], [4, null])
})

test('applying what is being rolled out waits for the same end; other content is refused', async () => {
  await using upstream = await startUpstream(httpEcho)
  await using site = supervised(upstream.port)
  const config = site.config()
  const first = site.supervisor.apply(config)
  await until('the first worker', () => site.supervisor.status.listening === 1)
  const second = await site.supervisor.apply(structuredClone(config))
  assert.deepEqual([second.generation, second.listening], [1, 2])
  await first
  await assert.rejects(
    site.supervisor.apply({ ...config, workers: 1 }),
    /generation 1 is in force with another content/,
  )
})

test('a newer configuration takes the place of one that is still being tried', async () => {
  await using upstream = await startUpstream(httpEcho)
  await using site = supervised(upstream.port)
  const old = assert.rejects(site.supervisor.apply(site.config()), /superseded by generation 2/)
  const status = await site.supervisor.apply(site.config({ workers: 1 }))
  await old
  assert.deepEqual([status.generation, status.listening, status.restarts], [2, 1, 0])
})

test('rolling a generation under load fails no request', async () => {
  await using upstream = await startUpstream(httpEcho)
  await using site = supervised(upstream.port)
  await site.supervisor.apply(site.config())
  const before = workerPids()
  const load = startLoad(site.port, 8)
  await until('some load', () => load.ok > 50)
  await site.supervisor.apply(site.config())
  await site.supervisor.apply(site.config({ workers: 3 }))
  await site.supervisor.apply(site.config({ workers: 1 }))
  const after = load.ok
  await until('load on the new workers', () => load.ok > after + 50)
  await load.stop()
  assert.deepEqual(load.failed, [])
  await until('the old workers to end', () => workerPids().length === 1)
  assert.ok(!before.some((pid) => workerPids().includes(pid)))
  assert.equal(site.supervisor.status.restarts, 0)
  assert.ok(
    site.changes.every(({ generation, listening }) => generation === 0 || listening >= 1),
    'somebody listened all the time',
  )
})

test('a drained worker finishes the connections it has', async () => {
  await using upstream = await startUpstream((socket) => {
    socket.once('data', () => {
      socket.write('HTTP/1.1 200 OK\r\nContent-Length: 9\r\nConnection: close\r\n\r\nslow')
      setTimeout(() => socket.end(' done'), 1500)
    })
  })
  await using site = supervised(upstream.port)
  await site.supervisor.apply(site.config({ workers: 1 }))
  const slow = fetchOnce(site.port)
  await until('the request', () => upstream.sockets.length === 1)
  await site.supervisor.apply(site.config({ workers: 1 }))
  assert.equal(site.supervisor.status.draining, 1)
  assert.equal((await slow).body, 'slow done')
  await until('the drained worker to end', () => site.supervisor.status.draining === 0)
})

test('a configuration is in force when no worker of before accepts any more', async () => {
  await using upstream = await startUpstream(httpEcho)
  // Its successor is a spare: a worker that is stopped for long counts as hung.
  await using site = supervised(upstream.port, { hasSpare: true })
  await site.supervisor.apply(site.config({ workers: 1 }))
  await until('a spare', () => workerPids().some(isSpare))
  const before = workerPids().find((pid) => !isSpare(pid))
  assert.ok(before)
  let isInForce = false
  process.kill(before, 'SIGSTOP')
  const applied = site.supervisor.apply(site.config({ workers: 1 })).then(() => (isInForce = true))
  await until('its successor', () => site.supervisor.status.draining === 1)
  await new Promise((resolve) => setTimeout(resolve, 100))
  assert.equal(isInForce, false, 'it has not heard that it is to drain')
  process.kill(before, 'SIGCONT')
  await applied
  assert.equal(site.supervisor.status.generation, 2)
})

test('a spare takes the place of a dead worker and is replaced itself', async () => {
  await using upstream = await startUpstream(httpEcho)
  await using site = supervised(upstream.port, { hasSpare: true })
  await site.supervisor.apply(site.config())
  await until('a spare', () => workerPids().length === 3)
  const before = workerPids()
  const [spare] = before.filter(isSpare)
  assert.ok(spare)
  assert.equal(site.supervisor.status.listening, 2)
  const victim = before.find((pid) => pid !== spare)
  assert.ok(victim)
  process.kill(victim, 'SIGKILL')
  await until('the replacement', () => site.supervisor.status.restarts === 1)
  await until('it listens', () => site.supervisor.status.listening === 2)
  await until('another spare', () => workerPids().some((pid) => !before.includes(pid)))
  assert.ok(workerPids().includes(spare), 'the spare is a worker now')
  assert.equal(isSpare(spare), false)
  await site.supervisor.apply(site.config())
  assert.equal((await fetchOnce(site.port)).status, 200)
})

test('a spare that is killed costs nothing and is not started again at once', async () => {
  await using upstream = await startUpstream(httpEcho)
  await using site = supervised(upstream.port, { hasSpare: true })
  await site.supervisor.apply(site.config({ workers: 1 }))
  await until('a spare', () => workerPids().some(isSpare))
  const [spare] = workerPids().filter(isSpare)
  assert.ok(spare)
  process.kill(spare, 'SIGKILL')
  await until('its end', () => workerPids().length === 1)
  // Without it all goes on as before, a roll included.
  const status = await site.supervisor.apply(site.config({ workers: 1 }))
  assert.deepEqual([status.generation, status.listening, status.restarts], [2, 1, 0])
  await until('the old worker to end', () => site.supervisor.status.draining === 0)
  assert.equal(workerPids().length, 1)
})

test('who asks twice to stop does not wait for connections, and both are answered', async () => {
  await using upstream = await startUpstream(() => {})
  await using site = supervised(upstream.port)
  await site.supervisor.apply(site.config({ workers: 1 }))
  const held = assert.rejects(fetchOnce(site.port))
  await until('the request', () => upstream.sockets.length === 1)
  const patient = site.supervisor.stop(60_000)
  await Promise.all([patient, site.supervisor.stop(0), held])
  assert.deepEqual(workerPids(), [])
})

test('a worker killed under load costs only the connections it held and is replaced at once', async () => {
  await using upstream = await startUpstream(httpEcho)
  await using site = supervised(upstream.port)
  await site.supervisor.apply(site.config())
  const clients = 8
  const load = startLoad(site.port, clients)
  await until('some load', () => load.ok > 50)
  const [victim] = workerPids()
  assert.ok(victim)
  const killedAt = performance.now()
  process.kill(victim, 'SIGKILL')
  await until('the loss to be told', () =>
    site.changes.some(({ listening, generation }) => generation === 1 && listening === 1),
  )
  assert.ok(performance.now() - killedAt < 200, 'within 200 ms')
  await until('a replacement', () => site.supervisor.status.listening === 2)
  const after = load.ok
  await until('more load', () => load.ok > after + 50)
  await load.stop()
  assert.ok(load.failed.length <= clients, `${load.failed.length} requests failed`)
  assert.equal(site.supervisor.status.restarts, 1)
})

test('with all workers gone connections wait for the replacement', async () => {
  await using upstream = await startUpstream(httpEcho)
  await using site = supervised(upstream.port)
  await site.supervisor.apply(site.config({ workers: 1 }))
  const [victim] = workerPids()
  assert.ok(victim)
  process.kill(victim, 'SIGKILL')
  await until('nobody to listen', () => site.supervisor.status.listening === 0)
  assert.equal((await fetchOnce(site.port)).status, 200)
})

test('a hung worker is found, killed and replaced', async () => {
  await using upstream = await startUpstream(httpEcho)
  await using site = supervised(upstream.port)
  await site.supervisor.apply(site.config())
  const before = workerPids()
  await assert.rejects(fetchOnce(site.port, '/hang'), /socket hang up|ECONNRESET/)
  await until('the death to be seen', () => site.supervisor.status.restarts === 1)
  await until('a replacement', () => site.supervisor.status.listening === 2)
  assert.equal(workerPids().filter((pid) => before.includes(pid)).length, 1)
  assert.match(site.log.join('\n'), /silent for \d+ ms/)
})

test('segments that a killed worker left open are finished', async () => {
  await using upstream = await startUpstream(httpEcho)
  await using site = supervised(upstream.port)
  await site.supervisor.apply(site.config({ workers: 1 }))
  await fetchOnce(site.port, '/attack')
  const [victim] = workerPids()
  assert.ok(victim)
  process.kill(victim, 'SIGKILL')
  await until('its segment to be finished', () =>
    readdirSync(site.spoolFolder).every((name) => parseSpoolFileName(name)?.finished === true),
  )
})

test('rules that do not work as written are told once, not per worker', async () => {
  await using upstream = await startUpstream(httpEcho)
  await using site = supervised(upstream.port)
  await site.supervisor.apply(site.config({ rules: ['odd'] }))
  assert.deepEqual(site.log, [
    'warning: chain shop, waf: /rules/odd:9:1: never matches (portcullis signatures check lists them all)',
  ])
})

test('totals do not fall when a worker goes', async () => {
  await using upstream = await startUpstream(httpEcho)
  await using site = supervised(upstream.port)
  await site.supervisor.apply(site.config({ workers: 1 }))
  for (let i = 0; i < 3; i++) await fetchOnce(site.port)
  await site.supervisor.apply(site.config({ workers: 1 }))
  await until('the old one to end', () => site.supervisor.status.draining === 0)
  assert.match(site.supervisor.metrics(), /portcullis_requests_total 3\n/)
})
