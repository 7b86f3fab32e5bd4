import assert from 'node:assert/strict'
import { test } from 'node:test'
import { RecordHub } from '#inspectors/waf/collections/record-hub.ts'
import type { PendingChange } from '#inspectors/waf/collections/pending-changes.ts'
import { MAX_RECORD_BYTES } from '#inspectors/waf/transaction/persistent-store.ts'

const keep: PendingChange = { base: 'keep', value: '', amount: 0, expiresAt: null }
const plus = (amount: number): PendingChange => ({ ...keep, amount })
const set = (value: string): PendingChange => ({ ...keep, base: 'set', value })
const changes = (key: string, ...of: (readonly [string, PendingChange])[]) => ({
  key,
  timeoutMs: 1000,
  changes: of,
})

test('a record is gone its timeout after its last change, and asking alone keeps none', () => {
  const hub = new RecordHub()
  hub.merge(0, changes('a', ['hits', plus(1)]))
  assert.equal(hub.merge(900, changes('a', ['hits', plus(1)])).variables[0].value, '2')
  assert.equal(hub.merge(1800, changes('a')).variables[0].value, '2')
  assert.equal(hub.merge(1900, changes('a')).createdAt, null)
  assert.deepEqual([hub.size, hub.bytes], [0, 0])
})

test('what was used last is kept when there is no room for all', () => {
  const hub = new RecordHub({ records: 2 })
  for (const key of ['a', 'b']) hub.merge(0, changes(key, ['hits', plus(1)]))
  hub.merge(1, changes('a'))
  hub.merge(2, changes('c', ['hits', plus(1)]))
  assert.deepEqual(
    ['a', 'b', 'c'].map((key) => hub.merge(3, changes(key)).createdAt),
    [0, null, 2],
  )
  assert.equal(hub.evicted, 1)
})

test('records, names and values are bounded together, and no record is too large', () => {
  const hub = new RecordHub({ bytes: 50_000 })
  for (let record = 0; record < 100; record += 1)
    for (let name = 0; name < 10; name += 1)
      hub.merge(0, changes(`k${record}`, [`n${name}`, set('x'.repeat(2000))]))
  assert.ok(hub.bytes <= 50_000 && hub.size > 2, `${hub.bytes} bytes, ${hub.size} records`)
  const { variables } = hub.merge(0, changes('k99'))
  const bytes = variables.reduce((sum, { name, value }) => sum + name.length + value.length, 0)
  assert.ok(bytes <= MAX_RECORD_BYTES && bytes > 7000)
})
