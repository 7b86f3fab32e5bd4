import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { deflateSync, gzipSync } from 'node:zlib'
import * as fc from 'fast-check'
import { applyTransforms, subslice } from '#inspectors/ids/match/transforms.ts'
import type { TransformStep } from '#signatures/suricata/transform.ts'

const once = (text: string, step: TransformStep): string => applyTransforms(text, [step])

describe('transforms', () => {
  it('takes a part from either end', () => {
    const agent = 'curl/7.64.1'
    const parts = [
      [subslice('*/*', 2, null, false), '*'],
      [subslice(agent, -6, null, false), '7.64.1'],
      [subslice(agent, -10, 3, false), 'url'],
      [subslice(agent, 1, -3, false), 'url/7.6'],
      [subslice(agent, 0, 13, false), ''],
      [subslice(agent, 0, 13, true), agent],
      [subslice(agent, -20, 4, false), ''],
      [subslice(agent, -20, 4, true), 'curl'],
      [subslice(agent, 0, -30, true), ''],
      [subslice(agent, 12, null, true), ''],
    ]
    for (const [got, wanted] of parts) assert.equal(got, wanted)
  })

  it('gives a part of the text, whatever is asked', () => {
    fc.assert(
      fc.property(
        fc.string(),
        fc.integer({ min: -20, max: 20 }),
        fc.option(fc.integer({ min: -20, max: 20 })),
        fc.boolean(),
        (text, offset, bytes, truncate) => text.includes(subslice(text, offset, bytes, truncate)),
      ),
    )
  })

  it('takes the key of xor out of the buffer, and leaves what stands before the offset', () => {
    const key = { offset: 1, length: 2 }
    const hidden = `-AB${once('secret', { kind: 'xor', key: 'AB', offset: 0 })}`
    assert.equal(once(hidden, { kind: 'xor', key, offset: 3 }), '-ABsecret')
    assert.equal(once(hidden, { kind: 'xor', key: { offset: 8, length: 2 }, offset: 0 }), '')
  })

  it('decompresses up to a bound, and yields nothing of what is not compressed', () => {
    const text = 'compressed '.repeat(50)
    const gzip = gzipSync(text).toString('latin1')
    const zlib = deflateSync(text).toString('latin1')
    assert.equal(once(gzip, { kind: 'gunzip', maxBytes: 1024 }), text)
    assert.equal(once(gzip, { kind: 'gunzip', maxBytes: 8 }), text.slice(0, 8))
    assert.equal(once(zlib, { kind: 'zlib_deflate', maxBytes: 1024 }), text)
    assert.equal(once(zlib, { kind: 'gunzip', maxBytes: 1024 }), '')
    assert.equal(once(text, { kind: 'zlib_deflate', maxBytes: 1024 }), '')
  })
})
