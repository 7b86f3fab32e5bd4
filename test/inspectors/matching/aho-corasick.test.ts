import assert from 'node:assert/strict'
import { test } from 'node:test'
import { buildAutomaton } from '#inspectors/matching/aho-corasick.ts'
import { Random } from '#test/signatures/pcre/random-pattern.ts'

function randomText(random: Random, letters: number, longest: number): string {
  let text = ''
  for (let length = random.below(longest); length > 0; length -= 1) {
    text += String.fromCharCode((random.below(4) === 0 ? 0x41 : 0x61) + random.below(letters))
  }
  return text
}

test('finds the same patterns as looking for each, and the one that ends first', () => {
  const random = new Random(3)
  for (let count = 0; count < 4000; count += 1) {
    const letters = 1 + random.below(4)
    const patterns = Array.from(
      { length: 1 + random.below(40) },
      () => randomText(random, letters, 6) || 'a',
    )
    const ignoreCase = random.below(2) === 0
    const automaton = buildAutomaton(patterns, { ignoreCase })
    const value = randomText(random, letters + 1, 40)
    const fold = (text: string): string => (ignoreCase ? text.toLowerCase() : text)
    const expected = patterns.map((pattern) => fold(value).includes(fold(pattern)))
    const bits = (found: Uint32Array): boolean[] =>
      patterns.map((_, id) => (found[id >> 5] & (1 << (id & 31))) !== 0)
    const what = JSON.stringify({ patterns, value, ignoreCase })

    const inString = new Uint32Array(2)
    const marked = automaton.markString(value, inString)
    assert.deepEqual(bits(inString), expected, what)
    assert.equal(marked, expected.filter(Boolean).length, what)
    assert.equal(automaton.markString(value, inString), 0, 'what is marked is not marked again')

    const ends = patterns.flatMap((pattern) => {
      const at = fold(value).indexOf(fold(pattern))
      return at < 0 ? [] : [{ end: at + pattern.length, length: pattern.length }]
    })
    ends.sort((left, right) => left.end - right.end || right.length - left.length)
    const first = automaton.firstInString(value)
    if (ends.length === 0) assert.equal(first, -1, what)
    else {
      assert.equal(automaton.lastEnd, ends[0].end, what)
      assert.equal(patterns[first].length, ends[0].length, what)
    }
  }
})

test('all 256 bytes may occur in patterns', () => {
  const patterns = Array.from({ length: 256 }, (_, byte) => String.fromCharCode(byte, byte ^ 0x80))
  const automaton = buildAutomaton(patterns, { ignoreCase: false })
  for (let byte = 0; byte < 256; byte += 1) {
    assert.equal(automaton.firstInString(String.fromCharCode(byte, byte ^ 0x80)), byte)
  }
})

test('an empty pattern is refused', () => {
  assert.throws(() => buildAutomaton(['a', ''], { ignoreCase: true }), RangeError)
})
