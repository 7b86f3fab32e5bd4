import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import * as fc from 'fast-check'
import { buildAutomaton } from '#inspectors/matching/aho-corasick.ts'
import { buildTables } from '#inspectors/matching/automaton-tables.ts'

/** More states than get a row: what shallow automata never walk is walked here. */
const patterns = Array.from({ length: 5000 }, (_, index) => {
  const digits = ((index * 7919) % 99_991).toString(4)
  return `ab${digits.replaceAll('0', 'ab').replaceAll('1', 'a').replaceAll('2', 'ba')}-tail-${index % 13}`
})

describe('automaton with states that have no row', () => {
  it('has such states, and rows for the others', () => {
    const tables = buildTables(patterns, false)
    assert.ok(tables.labels.length > 1000)
    assert.ok(tables.rowStates > 1000)
  })

  it('marks what occurs', () => {
    const automaton = buildAutomaton(patterns, { ignoreCase: false })
    const part = fc.oneof(
      fc.nat(patterns.length - 1).map((id) => patterns[id]),
      fc
        .tuple(fc.nat(patterns.length - 1), fc.nat(20))
        .map(([id, end]) => patterns[id].slice(0, end)),
      fc.constantFrom('a', 'b', 'ab', '-tail-', '-tail-1', '3', 'x'),
    )
    fc.assert(
      fc.property(fc.array(part, { maxLength: 12 }), (parts) => {
        const value = parts.join('')
        const expected = patterns.flatMap((pattern, id) => (value.includes(pattern) ? [id] : []))
        const found = new Uint32Array((patterns.length + 31) >> 5)
        automaton.markString(value, found)
        const marked = patterns.flatMap((_, id) =>
          ((found[id >> 5] >> (id & 31)) & 1) === 1 ? [id] : [],
        )
        assert.deepEqual(marked, expected)
      }),
      { numRuns: 100 },
    )
  })
})
