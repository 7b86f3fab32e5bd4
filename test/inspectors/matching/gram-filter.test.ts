import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  array,
  assert as assertProperty,
  constantFrom,
  property,
  uniqueArray,
  type Arbitrary,
} from 'fast-check'
import {
  GramFilter,
  MAX_PATTERN_BYTES,
  PatternHits,
  SCAN_BYTES,
  ScanText,
} from '#inspectors/matching/gram-filter.ts'
import { buildAutomaton } from '#inspectors/matching/aho-corasick.ts'

/** Few letters, so that patterns overlap and share their grams; NUL, high bytes and what folding touches. */
const BYTES = 'abABc@`[{/ \0\x20\x80\xc0\xe0'
const text = (minLength: number, maxLength: number): Arbitrary<string> =>
  array(constantFrom(...BYTES.split('')), { minLength, maxLength }).map((characters) =>
    characters.join(''),
  )
const lower = (value: string): string =>
  value.replaceAll(/[A-Z]/g, (letter) => letter.toLowerCase())

function scan(filter: GramFilter, value: string, from = 0, minEnd = 0): number[] {
  const scanned = new ScanText()
  const hits = new PatternHits()
  hits.clear(filter.patternCount)
  // What an earlier scan left behind the text must not be found.
  scanned.bytes.fill('a')
  scanned.length = scanned.bytes.write(value, 0, 'latin1')
  filter.scan(scanned, from, minEnd, hits)
  return [...hits.ids.subarray(0, hits.count)].sort((left, right) => left - right)
}

describe('gram filter', () => {
  it('finds what the automaton finds', () => {
    const patterns = uniqueArray(text(1, 12).map(lower), { minLength: 1, maxLength: 60 })
    assertProperty(
      property(patterns, text(0, 90), (list, value) => {
        const found = new Uint32Array((list.length + 31) >> 5)
        buildAutomaton(list, { ignoreCase: true }).markString(value, found)
        const expected = list.flatMap((_, id) => ((found[id >> 5] >> (id & 31)) & 1 ? [id] : []))
        assert.deepEqual(scan(new GramFilter(list), value), expected)
      }),
      { numRuns: 2000 },
    )
  })

  it('finds a pattern at every place of a text, up to its last byte', () => {
    for (const pattern of [
      'x',
      'xy',
      'xyz',
      'wxyz',
      'vwxyz',
      'uvwxyz',
      'tuvwxyz',
      'x'.repeat(64),
    ]) {
      const filter = new GramFilter([pattern])
      for (let before = 0; before < 9; before += 1)
        for (let after = 0; after < 9; after += 1)
          assert.deepEqual(scan(filter, `${'-'.repeat(before)}${pattern}${'-'.repeat(after)}`), [0])
      assert.deepEqual(scan(filter, pattern.toUpperCase()), [0])
      assert.deepEqual(scan(filter, pattern.slice(1)), [])
    }
  })

  it('reports only what ends in the newest bytes', () => {
    const filter = new GramFilter(['needle', 'dle-', 'e', 'le'])
    assert.deepEqual(scan(filter, 'needle-', 0, 0), [0, 1, 2, 3])
    assert.deepEqual(scan(filter, 'needle-', 0, 5), [0, 1, 2, 3])
    assert.deepEqual(scan(filter, 'needle-', 0, 6), [1])
    assert.deepEqual(scan(filter, 'needle-', 0, 7), [])
  })

  it('serves filters of different sizes with one memory, any number of times', () => {
    const large = new GramFilter(Array.from({ length: 500 }, (_, index) => `pattern-${index}-`))
    const small = new GramFilter(['pattern'])
    const scanned = new ScanText()
    const hits = new PatternHits()
    scanned.length = scanned.bytes.write('a pattern-17-, a pattern-400-', 0, 'latin1')
    for (let round = 0; round < 3; round += 1) {
      hits.clear(small.patternCount)
      small.scan(scanned, 0, 0, hits)
      assert.deepEqual([...hits.ids.subarray(0, hits.count)], [0])
      hits.clear(large.patternCount)
      large.scan(scanned, 0, 0, hits)
      assert.deepEqual(
        [...hits.ids.subarray(0, hits.count)].sort((left, right) => left - right),
        [17, 400],
      )
    }
  })

  it('costs little more for a text made of grams that many patterns share', () => {
    const patterns = Array.from(
      { length: 4000 },
      (_, index) => `/common/prefix/${index * 7919}.php`,
    )
    const filter = new GramFilter(patterns)
    const benign = new ScanText()
    benign.length = benign.bytes.write('the quick brown fox '.repeat(800), 0, 'latin1')
    const hostile = new ScanText()
    hostile.length = hostile.bytes.write('/common/prefix/7919'.repeat(860), 0, 'latin1')
    const hits = new PatternHits()
    const timeOf = (scanned: ScanText): number => {
      const startedAt = process.cpuUsage()
      for (let round = 0; round < 200; round += 1) {
        hits.clear(filter.patternCount)
        filter.scan(scanned, 0, 0, hits)
      }
      return process.cpuUsage(startedAt).user
    }
    timeOf(benign)
    timeOf(hostile)
    const [usual, worst] = [timeOf(benign), timeOf(hostile)]
    const bytes = 200 * SCAN_BYTES
    assert.ok(worst / bytes < 0.5, `${worst} µs for ${bytes} bytes, otherwise ${usual} µs`)
  })

  it('refuses patterns that are empty or too long', () => {
    assert.throws(() => new GramFilter(['']), RangeError)
    assert.throws(() => new GramFilter(['x'.repeat(MAX_PATTERN_BYTES + 1)]), RangeError)
  })
})
