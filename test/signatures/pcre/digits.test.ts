import assert from 'node:assert/strict'
import { test } from 'node:test'
import { compilePattern } from '#signatures/pcre/compile.ts'
import { type CompiledPattern, SECLANG_OPTIONS } from '#signatures/pcre/pattern.ts'
import { Random, randomPattern, randomValue } from './random-pattern.ts'

function compile(source: string): CompiledPattern | null {
  const result = compilePattern(source, SECLANG_OPTIONS)
  return result.ok ? result.pattern : null
}

const withOtherDigits = (value: string, random: Random): string =>
  value.replaceAll(/[0-9]/g, () => String(random.below(10)))

/** Digits of the pattern stand for classes of all digits; some stay. */
function withDigitClasses(source: string, random: Random): string {
  return source.replaceAll(/[abc]/g, (letter) =>
    random.below(3) > 0 ? letter : random.pick(['\\d', '\\w', '[^0-9]', '[a-z\\d_]', '5', '[0-4]']),
  )
}

test('patterns that do not tell digits apart match the same with other digits', () => {
  const random = new Random(20_261_123)
  let blind = 0
  let particular = 0
  let matches = 0
  let differing = 0
  for (let round = 0; round < 2000; round += 1) {
    const source = withDigitClasses(
      randomPattern(random, { withBudget: false, withLargeCounts: false }),
      random,
    )
    const pattern = compile(source)
    if (pattern === null) continue
    if (pattern.tellsDigitsApart) particular += 1
    else blind += 1
    for (let each = 0; each < 6; each += 1) {
      const value = randomValue(random).replaceAll(/[abc]/g, (letter) =>
        random.below(2) === 0 ? letter : String(random.below(10)),
      )
      const other = withOtherDigits(value, random)
      const isMatch: boolean = pattern.test(value)
      if (isMatch) matches += 1
      if (pattern.tellsDigitsApart) {
        if (pattern.test(other) !== isMatch) differing += 1
        continue
      }
      const about = `${source} on ${JSON.stringify(value)} and ${JSON.stringify(other)}`
      assert.equal(pattern.test(other), isMatch, about)
    }
  }
  assert.ok(blind > 200 && particular > 200 && matches > 200 && differing > 20)
})

test('a digit, a part of the digits, or a text that comes again tell digits apart', () => {
  for (const source of [
    '5',
    'a[0-4]',
    '[^7]',
    '(\\w)\\1',
    'x(?=1)',
    '(?<!2)b',
    '\\x31',
    '[\\da]|3',
  ]) {
    assert.equal(compile(source)?.tellsDigitsApart, true, source)
  }
  for (const source of ['\\d+', '[0-9a-f]', '\\w\\b', '[^0-9]', '.', 'a{2,5}', '[!-~]', '(?i)x']) {
    assert.equal(compile(source)?.tellsDigitsApart, false, source)
  }
})
