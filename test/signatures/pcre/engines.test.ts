import assert from 'node:assert/strict'
import { test } from 'node:test'
import { compilePattern } from '#signatures/pcre/compile.ts'
import { emit } from '#signatures/pcre/emit.ts'
import { Interpreter } from '#signatures/pcre/interpreter.ts'
import { parsePattern } from '#signatures/pcre/parse-pattern.ts'
import type { CompiledPattern, PatternOptions } from '#signatures/pcre/pattern.ts'
import { assemble } from '#signatures/pcre/program.ts'
import { gateRefuses } from './gate-check.ts'
import { Random, randomLongValue, randomPattern, randomValue } from './random-pattern.ts'

/** V8's own flag: only its linear engine may run the pattern. */
const LINEAR_FLAG: string = 'l'

function compile(source: string, options: PatternOptions = {}): CompiledPattern {
  const result = compilePattern(source, options)
  assert.ok(result.ok, `${source} is refused`)
  return result.pattern
}

test('V8 and RE2 find what the interpreter finds, and gates let it through', () => {
  const random = new Random(21)
  let matches = 0
  for (let count = 0; count < 400; count += 1) {
    const features = { withBudget: false, withLargeCounts: count % 4 === 0 }
    const source = randomPattern(random, features)
    const options = { ignoreCase: count % 2 === 0, multiline: count % 5 === 0 }
    const result = compilePattern(source, options)
    if (!result.ok && result.code === 'PCRE_TOO_LARGE') continue
    assert.ok(result.ok, `${source} is refused`)
    const { pattern } = result
    const interpreter = new Interpreter(assemble(parsePattern(source, options)))
    for (let each = 0; each < 3; each += 1) {
      const value = each === 2 ? randomLongValue(random) : randomValue(random)
      const expected = firstMatch(interpreter, value)
      const start = pattern.exec(value, 0)
      if (expected === 'unknown' || pattern.exhausted) continue
      const what = JSON.stringify({ source, options, value })
      assert.deepEqual(start < 0 ? null : [start, pattern.end], expected, what)
      if (expected === null) continue
      matches += 1
      assert.equal(gateRefuses(pattern, value), null, what)
      if (pattern.anchoredAtStart) assert.equal(start, 0, what)
    }
  }
  assert.ok(matches > 100, `only ${matches} values matched`)
})

function firstMatch(interpreter: Interpreter, value: string): [number, number] | null | 'unknown' {
  for (let start = 0; start <= value.length; start += 1) {
    const end = interpreter.run(value, start, 10_000)
    if (interpreter.exhausted || start > 30) return 'unknown'
    if (end >= 0) return [start, end]
  }
  return null
}

test("whatever is written for V8 is taken by V8's linear engine", () => {
  const random = new Random(5)
  compile('a').test('a') // sets the engine's flags
  for (let count = 0; count < 1500; count += 1) {
    const features = { withBudget: count % 3 === 0, withLargeCounts: count % 3 === 1 }
    const source = randomPattern(random, features, 4)
    const ast = parsePattern(source, { multiline: count % 5 === 0 })
    for (const captures of [false, true]) {
      const emitted = emit(ast, { dialect: 'js', captures })
      assert.doesNotThrow(
        () => new RegExp(emitted.source, LINEAR_FLAG),
        `${source} as ${emitted.source}`,
      )
    }
  }
})

test('no pattern stalls: catastrophic ones end within their budget', () => {
  const cases: readonly (readonly [string, string])[] = [
    ['^(?:a+)+$', `${'a'.repeat(5000)}b`],
    ['^(?:a|aa)+$', `${'a'.repeat(5000)}b`],
    ['(?:.*){1,30}x', 'a'.repeat(2000)],
    ['^(?:[a-z]+\\d?){3,200}$', `${'a'.repeat(500)}!`],
    ['(?=(a+)+$)b', `${'a'.repeat(5000)}!`],
    ['^(a+)+\\1$', `${'a'.repeat(5000)}!`],
    ['(?:a?){50}a{50}(?!b)$', 'a'.repeat(48)],
    ['(\\w+\\s?)+\\1!', 'word '.repeat(4000)],
    ['^(?>(a|aa)+)+\\1?$', `${'a'.repeat(3000)}b`],
  ]
  for (const [source, value] of cases) {
    const pattern = compile(source)
    const startedAt = performance.now()
    pattern.test(value)
    pattern.exec(value, 0)
    const elapsedMs = performance.now() - startedAt
    assert.ok(elapsedMs < 2000, `${source} took ${elapsedMs.toFixed(0)} ms`)
  }
})

test('a budget that ran out is told', () => {
  const pattern = compile('^(a|a)*\\1b$')
  assert.equal(pattern.test(`${'a'.repeat(3000)}c`), false)
  assert.equal(pattern.safety, 'budget')
  // Candidates need a final b: nothing is tried without one.
  assert.equal(pattern.exhausted, false)
  const slow = compile('^(?:(a)|a)*(?=\\1)c?d')
  slow.test(`${'a'.repeat(3000)}d`)
  assert.equal(slow.exhausted, true)
})

test('searching goes on from an offset and sees what is before it', () => {
  for (const source of ['foo', '\\bfoo', '(?<=x)foo', 'fo{20}|foo']) {
    const pattern = compile(source)
    const value = 'xfoo xfoo'
    const first = pattern.exec(value, 0)
    if (source === '\\bfoo') assert.equal(first, -1)
    else assert.deepEqual([first, pattern.exec(value, 2)], [1, 6], source)
    assert.equal(pattern.exec(value, 7), -1)
    assert.equal(pattern.end, -1)
  }
  const anchored = compile('foo', { anchored: true })
  assert.deepEqual([anchored.exec('xfoo', 0), anchored.exec('xfoo', 1)], [-1, 1])
  assert.deepEqual([anchored.test('xfoo'), anchored.test('xfoo', 1)], [false, true])
})

test('RE2 reads bytes over 127 as bytes', () => {
  const pattern = compile('(\\xe9{17,400})x')
  assert.equal(pattern.safety, 're2')
  const value = `\xc3\xa9${'\xe9'.repeat(20)}x`
  assert.equal(pattern.exec(value, 0), 2)
  assert.equal(pattern.end, 23)
  assert.equal(pattern.capture(1), '\xe9'.repeat(20))
  assert.equal(pattern.exec(value, 5), 5)
})
