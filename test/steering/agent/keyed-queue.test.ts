import assert from 'node:assert/strict'
import { test } from 'node:test'
import { KeyedQueue, RETRY_MIN_MS } from '#steering/agent/keyed-queue.ts'
import { waitUntil } from '#test/topology/wait-until.ts'

test('one run of a key at a time; what comes meanwhile is one more run', async () => {
  let running = 0
  let runs = 0
  const gates: (() => void)[] = []
  const queue = new KeyedQueue(async () => {
    assert.equal(++running, 1)
    runs++
    await new Promise<void>((resolve) => gates.push(resolve))
    running--
  }, assert.fail)
  queue.add('a')
  for (let count = 0; count < 5; count++) queue.add('a')
  await waitUntil('the first run', () => gates.length === 1)
  gates.shift()?.()
  await waitUntil('the second run', () => gates.length === 1)
  gates.shift()?.()
  await queue.stop()
  assert.equal(runs, 2)
})

test('different keys run side by side', async () => {
  const seen = new Set<string>()
  const { promise: both, resolve } = Promise.withResolvers<void>()
  const queue = new KeyedQueue(async (key) => {
    seen.add(key)
    if (seen.size === 2) resolve()
    await both
  }, assert.fail)
  queue.add('a')
  queue.add('b')
  await both
  await queue.stop()
})

test('a failure is tried again after a pause that add does not cut and addNow does', async () => {
  const runs: number[] = []
  const pauses: number[] = []
  const queue = new KeyedQueue(
    async () => {
      runs.push(performance.now())
      if (runs.length < 3) throw new Error('not yet')
    },
    (_key, _error, retryMs) => pauses.push(retryMs),
  )
  queue.add('a')
  await waitUntil('the first failure', () => pauses.length === 1)
  queue.add('a')
  await waitUntil('the second run', () => runs.length === 2)
  assert.ok(runs[1] - runs[0] > RETRY_MIN_MS * 0.9)
  await waitUntil('the second failure', () => pauses.length === 2)
  queue.addNow('a')
  await waitUntil('the third run', () => runs.length === 3)
  assert.ok(runs[2] - runs[1] < RETRY_MIN_MS * 2)
  assert.deepEqual(pauses, [RETRY_MIN_MS, RETRY_MIN_MS * 2])
  await queue.stop()
})

test('nothing runs after stop, and stop waits for what runs', async () => {
  let ended = false
  const queue = new KeyedQueue(async () => {
    await new Promise((resolve) => setImmediate(resolve))
    ended = true
  }, assert.fail)
  queue.add('a')
  await queue.stop()
  assert.ok(ended)
  ended = false
  queue.add('a')
  queue.addNow('b')
  await new Promise((resolve) => setImmediate(resolve))
  assert.equal(ended, false)
})
