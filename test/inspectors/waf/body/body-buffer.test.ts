import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { BodyBuffer } from '#inspectors/waf/body/body-buffer.ts'

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
        assert.equal(buffer.take(), all.toString('latin1').slice(0, limit))
        assert.deepEqual([buffer.length, buffer.take()], [0, ''])
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
  const text = buffer.take()
  for (let at = 0; at < 5000; at += 1) assert.equal(text.charCodeAt(at), at & 0xff)
})
