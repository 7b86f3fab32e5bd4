import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import * as fc from 'fast-check'
import { type OsPolicy, segmentPreference } from '#inspectors/ids/capture/os-policy.ts'
import { HalfStream, type StreamMemory } from '#inspectors/ids/capture/tcp/half-stream.ts'
import type { Flow } from '#inspectors/inspector.ts'

const FROM = 0xffff_fff0

function stream(
  options: { readonly depth?: number; readonly limit?: number; readonly policy?: OsPolicy } = {},
): {
  readonly half: HalfStream
  readonly memory: StreamMemory
  readonly seen: string[]
  readonly add: (at: number, text: string) => unknown
  readonly release: (upTo: number, isEager?: boolean) => string
  readonly flush: () => string
} {
  const memory = { bytes: 0, limit: options.limit ?? 1_000_000 }
  const half = new HalfStream({ memory, depth: options.depth ?? 0 })
  half.follow(FROM)
  const seen: string[] = []
  const sink = {
    bytes: (_: Flow, data: Buffer): void => void seen.push(data.toString()),
    gap: (_: Flow, bytes: number): void => void seen.push(`[${bytes}]`),
  }
  const taken = (): string => seen.splice(0).join('')
  return {
    half,
    memory,
    seen,
    add: (at, text) =>
      half.add((FROM + at) >>> 0, Buffer.from(text), segmentPreference(options.policy ?? 'bsd')),
    release: (upTo, isEager = false) => {
      half.release((FROM + upTo) >>> 0, isEager, sink, 'to_server')
      return taken()
    },
    flush: () => {
      half.flush(sink, 'to_server')
      return taken()
    },
  }
}

describe('one direction of a TCP connection', () => {
  it('lets bytes go with their acknowledgement, over the turn of the numbers', () => {
    const { add, release } = stream()
    add(0, 'abcdefgh')
    add(8, 'ijklmnopqrst')
    assert.equal(release(4), 'abcd')
    assert.equal(release(4), '')
    assert.equal(release(18), 'efghijklmnopqr')
    assert.equal(release(20), 'st')
  })

  it('lets all go at once where traffic can be stopped, and gives back what was first', () => {
    const { add, release, half } = stream({ policy: 'first' })
    add(0, 'GOOD')
    assert.equal(release(0, true), 'GOOD')
    add(0, 'EVIL')
    assert.equal(half.asHeld(FROM, Buffer.from('EVIL')).toString(), 'GOOD')
    assert.equal(release(0, true), '')
  })

  it('decides between two copies as long as neither is acknowledged', () => {
    for (const [policy, wanted] of [
      ['windows', 'GOOD'],
      ['old-linux', 'EVIL'],
    ] as const) {
      const { add, release } = stream({ policy })
      add(0, 'GOOD')
      add(0, 'EVIL')
      assert.equal(release(4), wanted)
      assert.equal(add(0, 'LATE'), 'before')
    }
  })

  it('goes over a gap when what lies behind it was acknowledged, and not before', () => {
    const { add, release, half } = stream()
    add(4, 'behind')
    assert.equal(release(4), '')
    assert.equal(half.hasGapBefore((FROM + 6) >>> 0), true)
    assert.equal(release(6), '[4]be')
    assert.equal(half.gaps, 1)
  })

  it('gives at the end what waits, and counts no gap', () => {
    const { add, flush, half } = stream()
    add(0, 'a')
    add(3, 'd')
    assert.equal(flush(), 'a[2]d')
    assert.equal(half.gaps, 0)
  })

  it('leaves urgent bytes out', () => {
    const { add, release, half } = stream()
    half.takeOut((FROM + 2) >>> 0)
    add(0, 'ab!cd')
    assert.equal(release(5), 'abcd')
  })

  it('ends at its depth and says so once', () => {
    const { add, release } = stream({ depth: 6 })
    assert.deepEqual(add(0, 'abcd'), { fresh: 4, overlaps: false, differs: false })
    assert.equal(add(4, 'efgh'), 'depth')
    assert.equal(add(8, 'ijkl'), 'before')
    assert.equal(release(12), 'abcdef')
  })

  it('takes no more than the memory of all streams allows, and gives it back', () => {
    const { add, memory, half } = stream({ limit: 1000 })
    let refused = 0
    for (let at = 0; at < 4000; at += 100) if (add(at, 'x'.repeat(100)) === 'memory') refused += 1
    assert.ok(refused > 0)
    assert.ok(memory.bytes <= 1200)
    half.close()
    assert.equal(memory.bytes, 0)
  })

  it('gives the same bytes in whatever order they come', () => {
    const text = 'the quick brown fox jumps over the lazy dog'
    const cuts = fc.array(
      fc.record({ at: fc.nat(text.length), bytes: fc.integer({ min: 1, max: 9 }) }),
    )
    fc.assert(
      fc.property(cuts, (segments) => {
        const { add, flush } = stream()
        for (const { at, bytes } of segments) add(at, text.slice(at, at + bytes))
        for (let at = text.length - 1; at >= 0; at -= 1) add(at, text[at])
        assert.equal(flush(), text)
      }),
    )
  })
})
