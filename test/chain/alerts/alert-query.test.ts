import assert from 'node:assert/strict'
import { test } from 'node:test'
import { assert as check, integer, property } from 'fast-check'
import { conditionOf, timeUs } from '#chain/alerts/alert-query.ts'
import { eveTimestamp } from '#chain/model/eve-values.ts'

test('every value is bound, none is written into the SQL', () => {
  const evil = "'; DROP TABLE alert; --"
  const { sql, values } = conditionOf(
    { tenant: evil, port: evil, signature: evil, requestId: evil, source: evil },
    null,
  )
  assert.ok(!sql.includes('DROP'))
  assert.equal(values.length, 5)
})

test('no filter is a condition that always holds', () => {
  assert.deepEqual(conditionOf({}, null), { sql: '1', values: [] })
})

test('a signature of digits is an id, anything else a part of the text with its wildcards escaped', () => {
  assert.deepEqual(conditionOf({ signature: '942100' }, null).values, [942_100])
  assert.deepEqual(conditionOf({ signature: '50%_a\\' }, null).values, ['%50\\%\\_a\\\\%'])
})

test('EVE time and RFC 3339 time mean the same microsecond', () => {
  assert.equal(timeUs('2026-07-08T02:54:07.123456+0000'), 1_783_479_247_123_456)
  assert.equal(timeUs('2026-07-08T04:54:07.123456+02:00'), 1_783_479_247_123_456)
  assert.equal(timeUs('2026-07-08T02:54:07Z'), 1_783_479_247_000_000)
  for (const bad of [
    '',
    'yesterday',
    '2026-07-08',
    '2026-07-08T02:54:07',
    '2026-13-08T02:54:07Z',
  ]) {
    assert.equal(timeUs(bad), null, bad)
  }
})

test('timeUs reads back what eveTimestamp writes', () => {
  check(
    property(integer({ min: 0, max: 4_102_444_800_000 }), (ms) => {
      assert.equal(timeUs(eveTimestamp(ms)), ms * 1000)
    }),
  )
})
