import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import * as fc from 'fast-check'
import { ScanTail } from '#inspectors/ids/program/prefilter.ts'
import { TAIL_BYTES } from '#inspectors/matching/gram-filter.ts'

describe('tail of a text that comes in chunks', () => {
  it('is its newest bytes, whichever chunks stay as they are', () => {
    const chunks = fc.array(
      fc.record({
        bytes: fc.uint8Array({ minLength: 0, maxLength: 2 * TAIL_BYTES }),
        isHeld: fc.boolean(),
      }),
      { maxLength: 12 },
    )
    fc.assert(
      fc.property(chunks, (pieces) => {
        const tail = new ScanTail()
        let text = Buffer.alloc(0)
        for (const { bytes, isHeld } of pieces) {
          const piece = Buffer.from(bytes)
          tail.add(piece, isHeld)
          text = Buffer.concat([text, piece])
          if (!isHeld) piece.fill(0xff)
          const copy = Buffer.alloc(TAIL_BYTES)
          tail.copyTo(copy)
          assert.deepEqual(copy.subarray(0, tail.length), text.subarray(-TAIL_BYTES))
          assert.equal(tail.position, text.length)
        }
      }),
      { numRuns: 300 },
    )
  })
})
