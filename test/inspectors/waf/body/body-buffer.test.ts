import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { BodyBuffer } from '#inspectors/waf/body/body-buffer.ts'
import { BufferPool, MOST_KEPT_BYTES } from '#inspectors/waf/body/buffer-pool.ts'

test('keeps what fits, byte for byte, however it is cut, and is empty afterwards', () => {
  const buffer = new BodyBuffer()
  fc.assert(
    fc.property(
      fc.array(fc.uint8Array({ maxLength: 20 }), { maxLength: 40 }),
      fc.integer({ min: 1, max: 600 }),
      (chunks, limit) => {
        const all = Buffer.concat(chunks)
        let fits = true
        for (const chunk of chunks) fits = buffer.append(Buffer.from(chunk), limit) && fits
        assert.equal(fits, all.length <= limit)
        assert.equal(buffer.length, Math.min(limit, all.length))
        assert.deepEqual(buffer.take(), all.subarray(0, limit))
        assert.deepEqual([buffer.length, buffer.take().length], [0, 0])
      },
    ),
  )
})

test('holds a body that comes byte by byte, and not the memory it came in', () => {
  const buffer = new BodyBuffer()
  const one = Buffer.alloc(1)
  for (let at = 0; at < 5000; at += 1) {
    one[0] = at & 0xff
    buffer.append(one, 5000)
  }
  one[0] = 0
  const bytes = buffer.take()
  for (let at = 0; at < 5000; at += 1) assert.equal(bytes[at], at & 0xff)
})

test('what was taken stays as it is until it is released, and then serves other bodies', () => {
  const buffer = new BodyBuffer()
  buffer.append(Buffer.from('first'), 100)
  const first = buffer.take()
  buffer.append(Buffer.from('second'), 100)
  const other = new BodyBuffer()
  other.append(Buffer.from('other'), 100)
  assert.equal(first.toString(), 'first')
  assert.equal(other.take().toString(), 'other')
  buffer.release()
  const next = new BodyBuffer()
  next.append(Buffer.from('next.'), 100)
  assert.equal(first.toString(), 'next.')
  assert.equal(buffer.take().toString(), 'second')
})

test('reserves no more on the word of the sender than as much again as has come', () => {
  const pool = new BufferPool()
  const before = process.memoryUsage().arrayBuffers
  const buffers = Array.from({ length: 100 }, () => new BodyBuffer())
  for (const buffer of buffers) buffer.append(Buffer.from('x'), 10_000_000, 10_000_000)
  assert.ok(process.memoryUsage().arrayBuffers - before <= buffers.length * pool.take(1).length)
})

test('a pool gives small buffers again, keeps so many bytes and no more, and gives large ones back at once', () => {
  const pool = new BufferPool()
  let keptBytes = 0
  for (const bytes of [1, 4_097, 16_385]) {
    const take = (): Buffer<ArrayBuffer>[] => Array.from({ length: 200 }, () => pool.take(bytes))
    const given = take()
    assert.ok(given.every((buffer) => buffer.length >= bytes))
    for (const buffer of given) pool.give(buffer)
    const again = take().filter((buffer) => given.includes(buffer))
    assert.equal(again.length > 0, bytes <= 16_384)
    if (bytes > 16_384) assert.ok(given.every((buffer) => buffer.length === 0))
    keptBytes += again.reduce((sum, { length }) => sum + length, 0)
  }
  assert.equal(keptBytes, MOST_KEPT_BYTES)
})
