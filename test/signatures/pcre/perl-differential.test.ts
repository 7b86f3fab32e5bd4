import assert from 'node:assert/strict'
import { test } from 'node:test'
import { compilePattern } from '#signatures/pcre/compile.ts'
import { gateRefuses } from './gate-check.ts'
import { type Answer, hasPerl, type Search, searchWithPerl } from './perl.ts'
import { type PatternFeatures, Random, randomPattern, randomValue } from './random-pattern.ts'

const FLAGS = ['', 'i', 's', 'm', 'is', 'im']
const skip = hasPerl ? false : 'perl is not installed'

function randomSearches(seed: number, patterns: number, features: PatternFeatures): Search[] {
  const random = new Random(seed)
  const searches: Search[] = []
  for (let count = 0; count < patterns; count += 1) {
    // Perl quotes with \Q when it reads a program, not in a pattern that comes as data.
    const pattern = randomPattern(random, features).replaceAll('\\Qa.b\\E', '(?:a\\.b)')
    const flags = random.pick(FLAGS)
    for (let each = 0; each < 3; each += 1) {
      const value = randomValue(random)
      searches.push({ pattern, flags, value })
    }
  }
  return searches
}

function checkSearch(search: Search, answer: Answer): 'compared' | 'left out' {
  const { pattern: source, flags, value } = search
  if (answer === 'slow') return 'left out'
  const what = JSON.stringify(search)
  const result = compilePattern(source, {
    ignoreCase: flags.includes('i'),
    dotAll: flags.includes('s'),
    multiline: flags.includes('m'),
  })
  if (!result.ok && result.code === 'PCRE_TOO_LARGE') return 'left out'
  assert.equal(result.ok, answer !== 'error', `${what} is taken by one and refused by the other`)
  if (!result.ok || answer === 'error') return 'compared'
  const { pattern } = result
  const found = pattern.test(value)
  const start = pattern.exec(value, 0)
  if (pattern.exhausted) return 'left out'
  const got = start < 0 ? null : [start, pattern.end]
  assert.deepEqual(got, answer === null ? null : answer[0], `${what} matches elsewhere`)
  assert.equal(found, answer !== null, `${what} tests otherwise than it matches`)
  if (answer === null) return 'compared'
  assert.equal(gateRefuses(pattern, value), null, `${what} matches and its gate is shut`)
  // Perl lets groups keep what they matched inside a lookaround that then failed; PCRE does not.
  if (/\(\?<?!/.test(source)) return 'compared'
  for (let group = 1; group <= pattern.groupCount; group += 1) {
    const range: readonly [number, number] | null = answer[group] ?? null
    const expected: string | null = range === null ? null : value.slice(range[0], range[1])
    assert.equal(pattern.capture(group), expected, `${what} group ${group}`)
  }
  return 'compared'
}

function compareAll(searches: readonly Search[]): void {
  const answers = searchWithPerl(searches)
  let compared = 0
  searches.forEach((search, index) => {
    if (checkSearch(search, answers[index]) === 'compared') compared += 1
  })
  assert.ok(compared > searches.length / 2, `only ${compared} of ${searches.length} were compared`)
}

test('patterns for linear engines match where Perl matches', { skip }, () => {
  compareAll(randomSearches(7, 700, { withBudget: false, withLargeCounts: false }))
})

test('large counted repeats match where Perl matches', { skip }, () => {
  compareAll(randomSearches(8, 250, { withBudget: false, withLargeCounts: true }))
})

test('lookaround, backreferences and atomic groups match where Perl matches', { skip }, () => {
  compareAll(randomSearches(9, 500, { withBudget: true, withLargeCounts: false }))
})
