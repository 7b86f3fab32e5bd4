import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseRedisUrl } from '#chain/store/redis-url.ts'

test('the forms that are documented', () => {
  assert.deepEqual(parseRedisUrl('/run/redis.sock'), { path: '/run/redis.sock' })
  assert.deepEqual(parseRedisUrl('unix:///run/redis.sock'), { path: '/run/redis.sock' })
  assert.deepEqual(parseRedisUrl('unix:/run/redis.sock'), { path: '/run/redis.sock' })
  assert.deepEqual(parseRedisUrl('redis://db'), { host: 'db', port: 6379, db: 0 })
  assert.deepEqual(parseRedisUrl('rediss://u:p%40ss@[::1]:7000/3'), {
    host: '::1',
    port: 7000,
    db: 3,
    username: 'u',
    password: 'p@ss',
    tls: {},
  })
})

test('anything else is refused, and no password is repeated', () => {
  for (const text of ['http://x', 'redis://:secret@db/zero', 'nonsense', '']) {
    assert.throws(
      () => parseRedisUrl(text),
      (error: Error) => !error.message.includes('secret'),
    )
  }
})
