import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { RecordRelay } from '#inspectors/supervisor/record-relay.ts'
import type { KnownRecords } from '#inspectors/worker/protocol.ts'
import {
  MAX_ANSWER_BYTES,
  MAX_BATCHES_PER_SECOND,
  MAX_BATCH_RECORDS,
  MAX_PENDING_VARIABLES,
  MAX_RECORD_KEY_LENGTH,
  MAX_SPREAD_BYTES,
} from '#inspectors/waf/collections/limits.ts'

const WORKER = {}
const plusOne = { base: 'keep', value: '', amount: 1, expiresAt: null }
const record = (key: string, changes: unknown = [['hits', plusOne]]): unknown => ({
  key,
  timeoutMs: 60_000,
  changes,
})

test('workers get what all of them together made of a record', () => {
  const relay = new RecordRelay([])
  for (const worker of [{}, {}, {}]) relay.hear(worker, { id: 1, batch: [record('k')] }, 0)
  const answer = relay.hear({}, { id: 7, batch: [record('k', []), record('other', [])] }, 1)
  assert.equal(answer?.id, 7)
  const [known, unknown] = answer.merged
  assert.equal(known?.variables[0]?.value, '3')
  assert.equal(unknown?.createdAt, null)
})

test('what changed is told to the others, as far as it goes', () => {
  const heard: KnownRecords[][] = [[], []]
  const workers = heard.map((messages) => ({
    know: (records: KnownRecords) => void messages.push(records),
  }))
  const relay = new RecordRelay(workers)
  relay.hear(workers[0], { id: 1, batch: [record('k'), record('asked', [])] }, 0)
  assert.deepEqual(
    heard.map((messages) => messages.flatMap(({ records }) => records.map(([key]) => key))),
    [[], ['k']],
  )
  const value = 'x'.repeat(2000)
  const large = [['n', { ...plusOne, base: 'set', value }]]
  const batch = Array.from({ length: 100 }, (_, at) => record(`large ${at}`, large))
  relay.hear(workers[1], { id: 2, batch }, 0)
  const told = heard[0][0]?.records.length ?? 0
  assert.ok(told > 0 && told * value.length <= MAX_SPREAD_BYTES, `${told} records`)
})

test('what no worker of ours says is refused, and changes nothing', () => {
  const relay = new RecordRelay([])
  const long = 'x'.repeat(MAX_RECORD_KEY_LENGTH + 1)
  const wrong: unknown[] = [
    null,
    {},
    Array.from({ length: MAX_BATCH_RECORDS + 1 }, (_, at) => record(`k${at}`)),
    [record('k'), null],
    [record(long)],
    [record('k', 'changes')],
    [record('k', [['hits']])],
    [record('k', [['hits', { ...plusOne, base: 'other' }]])],
    [record('k', [['hits', { ...plusOne, amount: '1' }]])],
    [record('k', [['hits', { ...plusOne, value: 'x'.repeat(100_000) }]])],
    [
      record(
        'k',
        Array.from({ length: MAX_PENDING_VARIABLES + 1 }, (_, at) => [`n${at}`, plusOne]),
      ),
    ],
    Array.from({ length: 40 }, (_, at) =>
      record(`k${at}`, [['n', { ...plusOne, base: 'set', value: 'x'.repeat(9000) }]]),
    ),
  ]
  for (const batch of wrong) assert.equal(relay.hear({}, { id: 1, batch }, 0), null)
  assert.equal(relay.hear({}, { id: 'one', batch: [record('k')] }, 0), null)
  assert.equal(relay.samples['portcullis_collection_batches_refused_total'], wrong.length + 1)
  const answer = relay.hear({}, { id: 1, batch: [record('k', [])] }, 0)
  assert.equal(answer?.merged[0]?.createdAt, null)
})

test('nothing that can come over the channel makes it throw', () => {
  const relay = new RecordRelay([])
  const wild = fc.array(
    fc.oneof(
      fc.jsonValue(),
      fc.record({
        key: fc.oneof(fc.string(), fc.jsonValue()),
        timeoutMs: fc.oneof(fc.double(), fc.jsonValue()),
        changes: fc.array(fc.oneof(fc.jsonValue(), fc.tuple(fc.string(), fc.jsonValue()))),
      }),
    ),
  )
  fc.assert(
    fc.property(wild, fc.jsonValue(), (batch, id) => {
      relay.hear({}, { id, batch }, 0)
    }),
  )
})

test('a worker that asks all the time is not heard all the time; others are', () => {
  const relay = new RecordRelay([])
  const heard = (nowMs: number): number => {
    let answers = 0
    for (let at = 0; at < 1000; at += 1)
      if (relay.hear(WORKER, { id: at, batch: [] }, nowMs) !== null) answers += 1
    return answers
  }
  assert.equal(heard(5_000), MAX_BATCHES_PER_SECOND)
  assert.notEqual(relay.hear({}, { id: 1, batch: [] }, 5_500), null)
  assert.equal(heard(6_000), MAX_BATCHES_PER_SECOND)
})

test('an answer that would be too large leaves records out', () => {
  const relay = new RecordRelay([])
  const value = 'x'.repeat(2000)
  const keys = Array.from({ length: 400 }, (_, at) => `k${at}`)
  for (let at = 0; at < keys.length; at += 20) {
    const fill = (name: string): unknown[] => [name, { ...plusOne, base: 'set', value }]
    const batch = keys.slice(at, at + 20).map((key) => record(key, ['a', 'b', 'c'].map(fill)))
    assert.notEqual(relay.hear({}, { id: 1, batch }, 0), null)
  }
  const answer = relay.hear({}, { id: 1, batch: keys.map((key) => record(key, [])) }, 1)
  const told = answer?.merged.filter((one) => one !== null) ?? []
  assert.ok(told.length > 50 && told.length * 6000 <= MAX_ANSWER_BYTES, `${told.length} records`)
})
