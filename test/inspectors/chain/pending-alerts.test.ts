import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MAX_PENDING_ALERTS, PendingAlerts } from '#inspectors/chain/pending-alerts.ts'
import { CollectingSink, scriptedHop, testAlert, testConnection } from './scripted-inspector.ts'

const { context } = scriptedHop({})
const eventOf = (id: number, verdict: 'passed' | 'bypassed' = 'passed') => ({
  context,
  connection: testConnection,
  transaction: null,
  alert: testAlert(id),
  verdict,
  flow: 'to_server' as const,
})

test('does not gather without end', () => {
  const sink = new CollectingSink()
  const pending = new PendingAlerts(sink)
  for (let id = 0; id <= MAX_PENDING_ALERTS; id++) pending.add(eventOf(id))
  assert.equal(sink.events.length, MAX_PENDING_ALERTS)
  pending.commitAll()
  assert.deepEqual(
    sink.events.map(({ alert }) => alert.signatureId),
    Array.from({ length: MAX_PENDING_ALERTS + 1 }, (_, id) => id),
    'all of them, in order',
  )
})

test('what tells of a failure goes on telling it', () => {
  const sink = new CollectingSink()
  const pending = new PendingAlerts(sink)
  pending.add(eventOf(1, 'bypassed'))
  pending.add(eventOf(2))
  pending.conclude('dropped', null, null)
  pending.add(eventOf(3))
  assert.deepEqual(sink.summary, ['bypassed:1', 'dropped:2', 'dropped:3'])
})
