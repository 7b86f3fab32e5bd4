import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import * as fc from 'fast-check'
import {
  OS_POLICIES,
  type OsPolicy,
  type Prefers,
  fragmentPreference,
  segmentPreference,
} from '#inspectors/ids/capture/os-policy.ts'
import { Pieces } from '#inspectors/ids/capture/pieces.ts'

interface Given {
  readonly start: number
  readonly bytes: string
}

/** The slow twin: every byte knows the segment that it came with. */
function byteByByte(given: readonly Given[], prefersNew: Prefers): string {
  const owners: (Given | undefined)[] = []
  for (const segment of given) {
    const end = segment.start + segment.bytes.length
    for (let at = segment.start; at < end; at += 1) {
      const old = owners[at]
      if (
        old === undefined ||
        prefersNew(old.start, old.start + old.bytes.length, segment.start, end)
      )
        owners[at] = segment
    }
  }
  let text = ''
  for (let at = 0; at < owners.length; at += 1) {
    const owner = owners[at]
    text += owner === undefined ? '.' : owner.bytes[at - owner.start]
  }
  return text
}

function inPieces(given: readonly Given[], prefersNew: Prefers): string {
  const pieces = new Pieces()
  for (const { start, bytes } of given) pieces.add(start, Buffer.from(bytes), prefersNew)
  const text = Array<string>(pieces.end).fill('.')
  let before = 0
  let bytes = 0
  for (const { start, data } of pieces) {
    assert.ok(start >= before, 'pieces lie in order and apart')
    for (let at = 0; at < data.length; at += 1) text[start + at] = String.fromCharCode(data[at])
    before = start + data.length
    bytes += data.length
  }
  assert.equal(pieces.bytes, bytes)
  return text.join('')
}

describe('pieces', () => {
  const segments = fc.array(
    fc.record({ start: fc.nat(40), bytes: fc.stringMatching(/^[a-z]{1,12}$/) }),
    { maxLength: 12 },
  )

  it('are what a slow twin makes of the segments, for every policy', () => {
    fc.assert(
      fc.property(segments, fc.constantFrom(...OS_POLICIES), fc.boolean(), (given, policy, ip) => {
        const prefers = (ip ? fragmentPreference : segmentPreference)(policy)
        assert.equal(inPieces(given, prefers), byteByByte(given, prefers))
      }),
      { numRuns: 2000 },
    )
  })

  it('tell what was there, and whether it was the same', () => {
    const pieces = new Pieces()
    const first = segmentPreference('first')
    const add = (start: number, text: string): unknown =>
      pieces.add(start, Buffer.from(text), first)
    assert.deepEqual(add(0, 'abcd'), { fresh: 4, overlaps: false, differs: false })
    assert.deepEqual(add(2, 'cdef'), { fresh: 2, overlaps: true, differs: false })
    assert.deepEqual(add(5, 'xg'), { fresh: 1, overlaps: true, differs: true })
    pieces.dropBefore(3)
    assert.deepEqual([pieces.first?.start, pieces.bytes], [3, 4])
  })

  /** Novak and Sturges, figure 2: new segments before, on and behind old ones. */
  it('follow the tables of the receivers', () => {
    const decided = (policy: OsPolicy, old: Given, fresh: Given): string =>
      inPieces([old, fresh], segmentPreference(policy))
    const old = { start: 4, bytes: 'OOOO' }
    const shapes: readonly Given[] = [
      { start: 2, bytes: 'NNNN' },
      { start: 2, bytes: 'NNNNNNNN' },
      { start: 4, bytes: 'NNNN' },
      { start: 4, bytes: 'NNNNNN' },
      { start: 6, bytes: 'NNNN' },
    ]
    const table: Readonly<Partial<Record<OsPolicy, readonly string[]>>> = {
      first: ['..NNOOOO', '..NNOOOONN', '....OOOO', '....OOOONN', '....OOOONN'],
      last: ['..NNNNOO', '..NNNNNNNN', '....NNNN', '....NNNNNN', '....OONNNN'],
      windows: ['..NNNNOO', '..NNNNNNNN', '....OOOO', '....OOOONN', '....OOOONN'],
      linux: ['..NNNNOO', '..NNNNNNNN', '....OOOO', '....NNNNNN', '....OOOONN'],
      'old-linux': ['..NNNNOO', '..NNNNNNNN', '....NNNN', '....NNNNNN', '....OOOONN'],
      solaris: ['..NNOOOO', '..NNNNNNNN', '....NNNN', '....NNNNNN', '....OONNNN'],
      vista: ['..NNOOOO', '..NNOOOONN', '....OOOO', '....OOOONN', '....OOOONN'],
    }
    for (const [policy, wanted] of Object.entries(table))
      assert.deepEqual(
        shapes.map((shape) => decided(policy as OsPolicy, old, shape)),
        wanted,
        policy,
      )
  })
})
