import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { LineBuffer } from '#inspectors/spool/line-buffer.ts'

test('holds the lines as they are joined and encoded in one go, whatever their size, time after time', () => {
  const buffer = new LineBuffer()
  const line = fc.oneof(
    fc.string({ unit: 'grapheme' }),
    fc.integer({ min: 0, max: 90_000 }).map((length) => '\xe9'.repeat(length)),
  )
  fc.assert(
    fc.property(fc.array(line, { maxLength: 8 }), (lines) => {
      for (const one of lines) buffer.append(one)
      assert.equal(buffer.lines, lines.length)
      assert.ok(buffer.bytes.equals(Buffer.from(lines.map((one) => `${one}\n`).join(''))))
      buffer.clear()
      assert.deepEqual([buffer.lines, buffer.bytes.length], [0, 0])
    }),
  )
})
