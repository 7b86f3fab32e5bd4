import assert from 'node:assert/strict'
import { test } from 'node:test'
import { AlertFeed, MAX_STREAMS } from '#chain/alerts/feed.ts'
import { Inbox, type StoredAlert } from '#chain/alerts/inbox.ts'
import { eveTimestamp } from '#chain/model/eve-values.ts'
import { someAlert } from './send-alerts.ts'

const NOW = Date.parse('2026-07-08T00:00:00Z')
const at = (minutes: number, id = `a${minutes}`, tenant = 'acme', port = 'web') =>
  someAlert(id, tenant, {
    timestamp: eveTimestamp(NOW + minutes * 60_000),
    portcullis: { port },
  })
const ids = (alerts: readonly StoredAlert[]): string[] =>
  alerts.map(({ json }) => (JSON.parse(json) as { portcullis: { id: string } }).portcullis.id)

test('a record that comes again is stored once', () => {
  const inbox = new Inbox(':memory:')
  assert.equal(inbox.add([at(1), at(2), at(1)]).length, 2)
  assert.equal(inbox.add([at(2)]).length, 0)
  assert.equal(inbox.count(), 2)
  inbox.close()
})

test('pages go newest first without gaps or repeats, also where times are equal', () => {
  const inbox = new Inbox(':memory:')
  inbox.add([at(1), at(5, 'x'), at(5, 'y'), at(5, 'z'), at(3), at(2)])
  const seen: string[] = []
  let before: StoredAlert | null = null
  for (;;) {
    const page: StoredAlert[] = inbox.list({}, before, 2)
    if (page.length === 0) break
    seen.push(...ids(page))
    before = page.at(-1)!
  }
  assert.deepEqual(seen, ['z', 'y', 'x', 'a3', 'a2', 'a1'])
  inbox.close()
})

test('filters narrow', () => {
  const inbox = new Inbox(':memory:')
  inbox.add([at(1), at(2, 'db', 'acme', 'db'), at(3, 'other', 'globex')])
  assert.deepEqual(ids(inbox.list({ tenant: 'acme' }, null, 10)), ['db', 'a1'])
  assert.deepEqual(ids(inbox.list({ port: 'db' }, null, 10)), ['db'])
  assert.deepEqual(ids(inbox.list({ requestId: 'request-a1' }, null, 10)), ['a1'])
  assert.deepEqual(ids(inbox.list({ signature: 'injection' }, null, 1)), ['other'])
  const sinceUs = (NOW + 2 * 60_000) * 1000
  assert.deepEqual(ids(inbox.list({ sinceUs }, null, 10)), ['other', 'db'])
  assert.deepEqual(ids(inbox.list({ untilUs: sinceUs }, null, 10)), ['a1'])
  inbox.close()
})

test('the bounds of count and age are kept, the oldest go first', () => {
  const inbox = new Inbox(':memory:', { alerts: 3, ageMs: 60 * 60_000 })
  inbox.add([at(1), at(70), at(71), at(72), at(73)])
  assert.equal(inbox.prune(NOW + 75 * 60_000), 2)
  assert.deepEqual(ids(inbox.list({}, null, 10)), ['a73', 'a72', 'a71'])
  assert.equal(inbox.prune(NOW + 75 * 60_000), 0)
  assert.equal(inbox.pruned, 2)
  inbox.close()
})

test('a slow stream pauses, loses nothing, and catches up', () => {
  const inbox = new Inbox(':memory:')
  const feed = new AlertFeed(inbox)
  const got: number[] = []
  let room = 2
  const subscription = feed.subscribe({}, 0, ({ seq }) => {
    got.push(seq)
    room--
    return room > 0
  })!
  for (let index = 1; index <= 300; index++) inbox.add([at(index)])
  feed.announce()
  assert.equal(got.length, 2)
  feed.announce()
  assert.equal(got.length, 2)
  room = 1000
  subscription.resume()
  assert.deepEqual(
    got,
    Array.from({ length: 300 }, (_, index) => index + 1),
  )
  subscription.cancel()
  assert.equal(feed.streams, 0)
  inbox.close()
})

test('there is a bound on streams', () => {
  const inbox = new Inbox(':memory:')
  const feed = new AlertFeed(inbox)
  for (let index = 0; index < MAX_STREAMS; index++) {
    assert.notEqual(
      feed.subscribe({}, 0, () => true),
      null,
    )
  }
  assert.equal(
    feed.subscribe({}, 0, () => true),
    null,
  )
  inbox.close()
})
