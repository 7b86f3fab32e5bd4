import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { mkdir, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, beforeEach, test } from 'node:test'
import { buffer } from 'node:stream/consumers'
import { gzipSync } from 'node:zlib'
import { Queue } from 'bullmq'
import type { Redis } from 'ioredis'
import tar from 'tar-stream'
import type { AlertBatch } from '#chain/model/eve.ts'
import {
  ALERT_QUEUE,
  ALERT_QUEUE_PREFIX,
  bundleKey,
  hostSnapshotKey,
} from '#chain/model/redis-keys.ts'
import type { HostSnapshot } from '#chain/model/snapshot.ts'
import { AlertQueue } from '#steering/agent/alert-queue.ts'
import { commandConnection, subscriberConnection } from '#steering/agent/redis-connection.ts'
import { RuleCache } from '#steering/agent/rule-cache.ts'
import { ShipCheckpoint } from '#steering/agent/ship-checkpoint.ts'
import { SPOOL_OWNER_SUFFIX, Shipper } from '#steering/agent/shipper.ts'
import { SnapshotSource } from '#steering/agent/snapshot-source.ts'
import { runCommand } from '#steering/domain/command.ts'
import { LoggedProcess } from '#test/stage/child-process.ts'
import { waitUntil } from '#test/topology/wait-until.ts'

const hasRedis = (await runCommand(['redis-server', '--version']).catch(() => '')) !== ''
const skip = hasRedis ? false : 'needs redis-server'

let root = ''
let folder = ''
let server: LoggedProcess
let redis: Redis
let subscriber: Redis

async function startRedis(): Promise<void> {
  const settings = ['--port', '0', '--unixsocket', join(root, 's'), '--dir', root, '--save', '']
  server = new LoggedProcess(
    'redis',
    ['redis-server', ...settings, '--appendonly', 'yes'],
    join(root, 'log'),
  )
  await waitUntil('Redis', () => redis.status === 'ready')
}

before(async () => {
  if (skip !== false) return
  root = await mkdtemp(join(tmpdir(), 'portcullis-redis-'))
  redis = commandConnection(`unix:${join(root, 's')}`, () => {})
  subscriber = subscriberConnection(`unix:${join(root, 's')}`, () => {})
  await startRedis()
})
beforeEach(async () => {
  if (skip !== false) return
  folder = await mkdtemp(join(root, 'in-'))
  await redis.flushall()
})
after(async () => {
  if (skip !== false) return
  redis.disconnect()
  subscriber.disconnect()
  await server.kill('SIGKILL')
  await rm(root, { recursive: true, force: true })
})

async function bundle(files: Record<string, string>): Promise<{ bytes: Buffer; sha256: string }> {
  const pack = tar.pack()
  const collected = buffer(pack)
  for (const [name, text] of Object.entries(files)) pack.entry({ name }, text)
  pack.finalize()
  const bytes = gzipSync(await collected)
  return { bytes, sha256: createHash('sha256').update(bytes).digest('hex') }
}

test('a bundle is unpacked once under its hash, and not asked for again', { skip }, async () => {
  const { bytes, sha256 } = await bundle({ 'a/b.conf': 'x' })
  await redis.set(bundleKey(sha256), bytes)
  const cache = new RuleCache(redis, join(folder, 'rules'))
  await cache.open()
  await Promise.all([cache.ensure(sha256), cache.ensure(sha256)])
  await redis.del(bundleKey(sha256))
  await cache.ensure(sha256)
  assert.equal(await readFile(join(folder, 'rules', sha256, 'a/b.conf'), 'utf8'), 'x')
  assert.deepEqual(await readdir(join(folder, 'rules')), [sha256])
})

test('a bundle that is missing, changed or hostile leaves nothing behind', { skip }, async () => {
  const cache = new RuleCache(redis, join(folder, 'rules'))
  await cache.open()
  const { bytes, sha256 } = await bundle({ a: 'x' })
  await assert.rejects(cache.ensure(sha256), { code: 'BUNDLE_MISSING' })
  await redis.set(bundleKey(sha256), Buffer.concat([bytes, Buffer.from('x')]))
  await assert.rejects(cache.ensure(sha256), { code: 'BUNDLE_HASH' })
  const hostile = await bundle({ a: 'x', '../b': 'y' })
  await redis.set(bundleKey(hostile.sha256), hostile.bytes)
  await assert.rejects(cache.ensure(hostile.sha256), { code: 'BUNDLE_INVALID' })
  await assert.rejects(cache.ensure('../../etc'), { code: 'BUNDLE_HASH' })
  assert.deepEqual(await readdir(join(folder, 'rules')), [])
  await mkdir(join(folder, 'rules', '.unpack-crashed'))
  await cache.open()
  assert.deepEqual(await readdir(join(folder, 'rules')), [])
})

const LINE = (id: number): string =>
  `${JSON.stringify({ event_type: 'alert', portcullis: { id: String(id) } })}\n`

async function sentRecords(queue: Queue<AlertBatch>): Promise<string[]> {
  const jobs = await queue.getJobs()
  return jobs.flatMap((job) => job.data.records.map((record) => record.portcullis.id))
}

test(
  'alerts reach the queue once, over a restart and while Redis comes and goes',
  { skip },
  async () => {
    const spool = join(folder, 'spool')
    await mkdir(join(spool, 'd1'), { recursive: true })
    const segment = `1700000000000-${process.pid}-000001`
    const openFile = join(spool, 'd1', `${segment}.open.ndjson`)
    await writeFile(openFile, LINE(1) + LINE(2) + LINE(3).slice(0, 5))

    const queue = new Queue<AlertBatch>(ALERT_QUEUE, {
      connection: redis,
      prefix: ALERT_QUEUE_PREFIX,
    })
    const shipperOf = async (): Promise<Shipper> => {
      const checkpoint = new ShipCheckpoint(join(folder, 'shipped.json'))
      await checkpoint.load()
      const alerts = new AlertQueue(redis, () => {})
      return new Shipper('h', spool, checkpoint, alerts.send, () => {})
    }
    await (await shipperOf()).shipAll()
    assert.deepEqual(await sentRecords(queue), ['1', '2'])

    // As if the agent had crashed between the acknowledgement and its checkpoint: the same job again.
    await rm(join(folder, 'shipped.json'))
    await (await shipperOf()).shipAll()
    assert.deepEqual(await sentRecords(queue), ['1', '2'])

    await server.kill('SIGKILL')
    await writeFile(openFile, LINE(1) + LINE(2) + LINE(3))
    const shipper = await shipperOf()
    await waitUntil('Redis to be missed', () => redis.status !== 'ready')
    await assert.rejects(shipper.shipAll())
    await startRedis()
    await rm(openFile)
    await writeFile(join(spool, 'd1', `${segment}.ndjson`), LINE(1) + LINE(2) + LINE(3))
    await shipper.shipAll()
    assert.deepEqual((await sentRecords(queue)).sort(), ['1', '2', '3'])
    assert.deepEqual(
      await readdir(join(spool, 'd1')),
      [],
      'a finished segment goes when it is shipped',
    )
    await queue.close()
  },
)

test('the open segment of a process that is gone is shipped and removed', { skip }, async () => {
  const spool = join(folder, 'spool')
  await mkdir(join(spool, 'd1'), { recursive: true })
  await writeFile(
    join(spool, 'd1', '1700000000000-999999999-000001.open.ndjson'),
    `${LINE(1)}{"cut`,
  )
  const checkpoint = new ShipCheckpoint(join(folder, 'shipped.json'))
  const sent: AlertBatch[] = []
  const shipper = new Shipper(
    'h',
    spool,
    checkpoint,
    async (_id, batch) => void sent.push(batch),
    () => {},
  )
  await shipper.shipAll()
  assert.equal(sent[0].records.length, 1)
  assert.deepEqual(await readdir(join(spool, 'd1')), [])
})

test(
  'snapshots come by hint and by poll, are kept on disk, and never go back',
  { skip },
  async () => {
    const publish = async (epoch: number, generation: number, hint: boolean): Promise<void> => {
      const body = JSON.stringify({
        host: 'h',
        epoch,
        generation,
        ports: [],
        chains: [],
        attachments: [],
        ruleSets: {},
      })
      const sha256 = createHash('sha256').update(body).digest('hex')
      await redis.set(hostSnapshotKey('h'), JSON.stringify({ epoch, generation, sha256, body }))
      if (hint) await redis.publish('{portcullis}:host:h:changed', `${epoch}.${generation}`)
    }
    const taken: string[] = []
    const refused: (string | null)[] = []
    const sourceOf = async (): Promise<SnapshotSource> => {
      const source = new SnapshotSource(redis, subscriber, 'h', folder)
      source.on('snapshot', ({ epoch, generation }: HostSnapshot) =>
        taken.push(`${epoch}.${generation}`),
      )
      source.on('refused', (reason) => refused.push(reason))
      await source.start()
      return source
    }
    await publish(1, 5, false)
    const first = await sourceOf()
    await waitUntil('the first', () => taken.includes('1.5'))
    await publish(1, 6, true)
    await waitUntil('the hint', () => taken.includes('1.6'), 1500)
    await publish(1, 7, false)
    await waitUntil('the poll', () => taken.includes('1.7'))
    await publish(1, 6, true)
    await waitUntil('the refusal', () => refused.length > 0)
    assert.match(refused[0] ?? '', /1\.6 is older than 1\.7/)
    first.stop()

    await redis.flushall()
    taken.length = 0
    const second = await sourceOf()
    assert.deepEqual(taken, ['1.7'], 'from disk')
    second.stop()
  },
)

test('a worker cannot speak for another tenant or another host', async () => {
  const root = await mkdtemp(join(tmpdir(), 'portcullis-forged-'))
  try {
    const spool = join(root, 'spool')
    await mkdir(join(spool, 'd1'), { recursive: true })
    await writeFile(join(spool, `d1${SPOOL_OWNER_SUFFIX}`), 'acme')
    const line = (tenant?: string): string =>
      `${JSON.stringify({ event_type: 'alert', host: 'x', portcullis: tenant && { tenant } })}\n`
    const text = line('acme') + line('other') + line()
    await writeFile(join(spool, 'd1', '1700000000000-1-000001.ndjson'), text)
    const checkpoint = new ShipCheckpoint(join(root, 'shipped.json'))
    const sent: AlertBatch[] = []
    const send = async (_id: string, batch: AlertBatch): Promise<void> => void sent.push(batch)
    const shipper = new Shipper('h', spool, checkpoint, send, () => {})
    await shipper.shipAll()
    assert.deepEqual(
      sent.flatMap((batch) =>
        batch.records.map(({ host, portcullis }) => [host, portcullis.tenant]),
      ),
      [['h', 'acme']],
    )
    assert.equal(shipper.counters.forged, 2)
  } finally {
    await rm(root, { recursive: true })
  }
})
