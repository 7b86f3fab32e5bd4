import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { readEvents, type ServerEvent } from '#chain/cli/event-stream.ts'
import { TestManager } from '#test/chain/test-manager.ts'
import { waitUntil } from '#test/topology/wait-until.ts'
import { sendAlerts, someAlert } from './send-alerts.ts'

/** From the queue through the inbox to the API. */

const manager = new TestManager()
before(() => manager.start())
after(() => manager.end())

const idsOf = (body: { items: { portcullis: { id: string } }[] }): string[] =>
  body.items.map(({ portcullis }) => portcullis.id)

async function until(id: string): Promise<void> {
  await waitUntil(`alert ${id} is in the inbox`, async () => {
    return (await manager.call(`GET /v1/alerts/${id}`)).status === 200
  })
}

const metric = async (name: string): Promise<number> => {
  const { body } = await manager.call('GET /metrics')
  return Number(new RegExp(`^portcullis_${name} (\\d+)$`, 'm').exec(body as string)?.[1])
}

test('a batch that is delivered twice under other job ids is stored once', async () => {
  const batch = [someAlert('b1', 'acme'), someAlert('b2', 'acme')]
  await sendAlerts(manager.redisUrl, batch, 'place-1')
  await until('b2')
  await sendAlerts(manager.redisUrl, batch, 'place-2')
  await waitUntil('both batches are taken', async () => (await metric('alert_batches_total')) === 2)
  assert.equal(await metric('alerts_stored_total'), 2)
  assert.equal(await metric('alerts_repeated_total'), 2)
})

test('records that are no alerts are counted and do not stop the others', async () => {
  const stats = { event_type: 'stats' }
  await sendAlerts(manager.redisUrl, [stats, null, 7, someAlert('good', 'acme')])
  await until('good')
  assert.equal(await metric('alerts_unreadable_total'), 3)
})

test('the record comes out as it went in, unknown fields included', async () => {
  const alert = { ...someAlert('whole', 'acme'), tls: { sni: 'example.org' } }
  await sendAlerts(manager.redisUrl, [alert])
  await until('whole')
  assert.deepEqual((await manager.call('GET /v1/alerts/whole')).body, alert)
})

test('the id of a block page finds the alert', async () => {
  const { body } = await manager.call('GET /v1/alerts?request_id=request-whole')
  assert.deepEqual(idsOf(body), ['whole'])
})

test('bad filters are refused with their name', async () => {
  for (const [query, pointer] of [
    ['since=yesterday', '/since'],
    ['colour=red', '/colour'],
    ['limit=0', '/limit'],
    ['cursor=AAAA', ''],
  ]) {
    const { status, body } = await manager.call(`GET /v1/alerts?${query}`)
    assert.equal(status, 400, query)
    if (pointer !== '') assert.equal(body.errors[0].pointer, pointer)
  }
})

test('pages continue where the one before ended', async () => {
  const first = await manager.call('GET /v1/alerts?limit=2')
  const second = await manager.call(`GET /v1/alerts?limit=2&cursor=${first.body.next_cursor}`)
  const all = await manager.call('GET /v1/alerts')
  assert.deepEqual([...idsOf(first.body), ...idsOf(second.body)], idsOf(all.body).slice(0, 4))
})

/** Events of a stream, read until `count` came. */
async function events(
  count: number,
  headers: Record<string, string>,
  query = '',
  onOpen?: () => Promise<void>,
) {
  const stop = new AbortController()
  const response = await fetch(`${manager.manager.url}/v1/alerts/stream${query}`, {
    headers: { authorization: `Bearer ${manager.token}`, ...headers },
    signal: AbortSignal.any([stop.signal, AbortSignal.timeout(10_000)]),
  })
  assert.equal(response.headers.get('content-type'), 'text/event-stream; charset=utf-8')
  await onOpen?.()
  const seen: ServerEvent[] = []
  for await (const event of readEvents(response.body!)) {
    seen.push(event)
    if (seen.length === count) break
  }
  stop.abort()
  return seen
}

const idOf = ({ data }: ServerEvent): string =>
  (JSON.parse(data) as { portcullis: { id: string } }).portcullis.id

test('a live stream brings new alerts that match; Last-Event-ID brings what was missed', async () => {
  const live = await events(2, {}, '?verdict=would-block', async () => {
    await sendAlerts(manager.redisUrl, [
      someAlert('live-0', 'acme'),
      someAlert('live-1', 'acme', { portcullis: { verdict: 'would-block' } }),
      someAlert('live-2', 'acme', { portcullis: { verdict: 'would-block' } }),
    ])
  })
  assert.deepEqual(live.map(idOf), ['live-1', 'live-2'])
  const resumed = await events(1, { 'last-event-id': live[0].id! }, '?verdict=would-block')
  assert.deepEqual(resumed.map(idOf), ['live-2'])
  await waitUntil('the streams are closed', async () => (await metric('alert_streams')) === 0)
})

test('the manager ends although a stream is open', async () => {
  const response = await fetch(`${manager.manager.url}/v1/alerts/stream`, {
    headers: { authorization: `Bearer ${manager.token}` },
  })
  const startedAt = performance.now()
  await manager.close()
  assert.ok(performance.now() - startedAt < 5000)
  await response.text().catch(() => {})
  await manager.start()
  assert.equal((await manager.call('GET /v1/alerts/whole')).status, 200)
})
