import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { test } from 'node:test'
import { compilePattern } from '#signatures/pcre/compile.ts'
import { type CompiledPattern, SECLANG_OPTIONS } from '#signatures/pcre/pattern.ts'
import { isPlain } from '#signatures/pcre/restrict.ts'
import { loadRules } from '#signatures/seclang/load.ts'
import { nodeRuleFiles } from '#signatures/seclang/rule-files.ts'
import { gateRefuses } from './gate-check.ts'
import { Random, randomPattern, randomValue } from './random-pattern.ts'

const CRS = `${import.meta.dirname}/../../../../shared/data/crs/rules`
const skip = existsSync(CRS) ? false : `${CRS} is not on this machine`
const NOT_PLAIN = /[^0-9A-Za-z\x80-\xff _\-.,:/@]/g

function compile(source: string, plainText: boolean): CompiledPattern | null {
  const result = compilePattern(source, { ...SECLANG_OPTIONS, plainText })
  return result.ok ? result.pattern : null
}

/** @returns whether the value matches; both patterns and the plain gate have to agree */
function check(plain: CompiledPattern, whole: CompiledPattern, value: string): boolean {
  const expected = whole.test(value)
  const about = `${whole.source.slice(0, 200)} on ${JSON.stringify(value)}`
  assert.equal(plain.test(value), expected, about)
  if (!expected || plain.plain === undefined) return expected
  assert.notEqual(plain.plain, null, about)
  assert.equal(gateRefuses(plain.plain!, value), null, about)
  return expected
}

test('a pattern restricted to plain text matches plain values as the whole one does', () => {
  const random = new Random(20_261_122)
  let matches = 0
  let values = 0
  for (let round = 0; round < 6000; round += 1) {
    const source = randomPattern(random, {
      withBudget: random.below(4) === 0,
      withLargeCounts: random.below(20) === 0,
    })
    const whole = compile(source, false)
    if (whole === null) continue
    const plain = compile(source, true)!
    for (let each = 0; each < 6; each += 1) {
      const value = randomValue(random).replaceAll(NOT_PLAIN, '')
      assert.ok(isPlain(value))
      values += 1
      if (check(plain, whole, value)) matches += 1
    }
  }
  assert.ok(matches > 1000 && values - matches > 1000, `${matches} matches of ${values}`)
})

test('the patterns of CRS answer alike on texts made of their own words', { skip }, () => {
  const { ruleSet } = loadRules([CRS], nodeRuleFiles([CRS]))
  const sources = new Set<string>()
  for (const entry of ruleSet.entries) {
    if (entry.kind !== 'rule') continue
    for (const { operator } of entry.rule.links) {
      if (operator?.name === 'rx' && !operator.dynamic) sources.add(operator.argument)
    }
  }
  const random = new Random(932_260)
  const separators = [' ', ' ', ' ', ', ', '-', '/', '.', ': ', '_', '@', '']
  let matches = 0
  for (const source of sources) {
    const plain = compile(source, true)!
    const whole = compile(source, false)!
    const own = [
      ...[...(plain.plain?.requirement ?? []), ...(whole.requirement ?? [])]
        .flat()
        .map(({ text }) => text.replaceAll(NOT_PLAIN, ' ')),
      ...source.replaceAll(/\\[a-z]/g, ' ').split(/[^a-zA-Z0-9_]+/),
    ].filter((word) => word !== '')
    const words = [...own, 'time', 'env', 'id', 'the', '1', '-a']
    for (let round = 0; round < 60; round += 1) {
      let value = ''
      for (let count = random.below(6); count >= 0; count -= 1) {
        value += random.pick(words) + random.pick(separators)
      }
      if (check(plain, whole, value)) matches += 1
    }
  }
  assert.ok(sources.size > 250 && matches > 300, `${matches} matches of ${sources.size} patterns`)
})
