import assert from 'node:assert/strict'
import { test } from 'node:test'
import { sampleHash } from '#inspectors/waf/values/sample-hash.ts'

/** Hashes of texts that differ in a number alone. */
function distinct(text: (number: number) => string): number {
  return new Set(Array.from({ length: 1000 }, (_, at) => sampleHash(text(10_000_000 + at * 7919))))
    .size
}

test('texts that differ in a few bytes have hashes of their own, wherever these are', () => {
  assert.equal(
    distinct((number) => `GET /shop/item?id=${number}&name=blue+shirt HTTP/1.1`),
    1000,
  )
  assert.equal(
    distinct((number) => `session=8f14e45fceea167a5a36${number}; theme=dark`),
    1000,
  )
  assert.equal(
    distinct((number) => `${number}${'x'.repeat(80)}`),
    1000,
  )
})

test('of long texts, those differ that end or begin otherwise', () => {
  const long = 'y'.repeat(1500)
  assert.equal(
    distinct((number) => `${long}${number}`),
    1000,
  )
  assert.equal(
    distinct((number) => `${number}${long}`),
    1000,
  )
})

test('the hash follows from the characters alone', () => {
  const text = 'session=8f14e45fceea167a5a36; theme=dark'
  assert.equal(sampleHash(`>${text}<`.slice(1, -1)), sampleHash(text))
})
