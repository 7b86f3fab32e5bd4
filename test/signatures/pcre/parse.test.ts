import assert from 'node:assert/strict'
import { test } from 'node:test'
import { compilePattern } from '#signatures/pcre/compile.ts'
import { type PatternOptions, SECLANG_OPTIONS } from '#signatures/pcre/pattern.ts'

const REFUSED: readonly (readonly [source: string, code: string, offset: number])[] = [
  ['a(b', 'PCRE_SYNTAX', 1],
  ['a)b', 'PCRE_SYNTAX', 1],
  ['[a', 'PCRE_SYNTAX', 0],
  ['x[z-a]', 'PCRE_SYNTAX', 3],
  ['*a', 'PCRE_SYNTAX', 0],
  ['a{3}{4}', 'PCRE_SYNTAX', 4],
  ['a{9,3}', 'PCRE_SYNTAX', 1],
  ['a{70000}', 'PCRE_SYNTAX', 1],
  ['a\\', 'PCRE_SYNTAX', 1],
  ['\\x{100}', 'PCRE_SYNTAX', 0],
  ['[[:nope:]]', 'PCRE_SYNTAX', 1],
  ['(?<n>a)(?<n>b)', 'PCRE_SYNTAX', 7],
  ['(?<1>a)', 'PCRE_SYNTAX', 3],
  ['(a)\\2', 'PCRE_UNKNOWN_GROUP', 3],
  ['(?P=x)', 'PCRE_UNKNOWN_GROUP', 0],
  ['a(?R)', 'PCRE_UNSUPPORTED', 1],
  ['(a)(?1)', 'PCRE_UNSUPPORTED', 3],
  ['(?|a|b)', 'PCRE_UNSUPPORTED', 0],
  ['\\pL', 'PCRE_UNSUPPORTED', 0],
  ['a\\Kb', 'PCRE_UNSUPPORTED', 1],
  ['(*ACCEPT)', 'PCRE_UNSUPPORTED', 0],
  ['(?<=a*)b', 'PCRE_UNSUPPORTED', 0],
  ['a\u0100', 'PCRE_SYNTAX', 1],
  ['a'.repeat(70_000), 'PCRE_TOO_LARGE', 0],
  ['('.repeat(300), 'PCRE_TOO_LARGE', 250],
  ['(?:(?:a{1,250}){1,300}){40}', 'PCRE_TOO_LARGE', 0],
]

test('what PCRE refuses or we do not support is refused with its place', () => {
  for (const [source, code, offset] of REFUSED) {
    const result = compilePattern(source, {})
    const what = source.slice(0, 40)
    assert.ok(!result.ok, `${what} is taken`)
    assert.deepEqual([result.code, result.offset], [code, offset], `${what}: ${result.message}`)
  }
})

/** Pattern, options, values that match, values that do not. */
const MATCHES: readonly (readonly [
  string,
  PatternOptions,
  readonly string[],
  readonly string[],
])[] = [
  ['^a.b$', {}, ['a\rb', 'a\xa0b', 'axb\n'], ['a\nb', 'axb\n\n']],
  ['^a.b$', SECLANG_OPTIONS, ['a\nb'], ['a\nb\n']],
  ['a\\s', {}, ['a\v', 'a '], ['a\xa0', 'a\x85']],
  ['^\\xe9$', { ignoreCase: true }, ['\xe9'], ['\xc9']],
  ['[\\w]', {}, ['_'], ['\xe9', '\xb5']],
  ['(?i)ab(?-i)C', {}, ['aBC'], ['abc']],
  ['a(?i)b|c', {}, ['aB', 'C'], ['AB']],
  ['a(?i:b)c', {}, ['aBc'], ['aBC']],
  ['^\\x{c2}\\z', {}, ['\xc2'], ['x{c2}', 'x']],
  ['a\\z', {}, ['a'], ['az', 'a\n']],
  ['a\\Z', {}, ['a', 'a\n'], ['a\n\n']],
  ['^b', { multiline: true }, ['a\nb'], ['a\rb', 'a\u2028b']],
  ['^', { multiline: true }, ['', 'a'], []],
  ['\\n^', { multiline: true }, ['\n\n'], ['a\n']],
  ['a$', { multiline: true }, ['a\nb'], ['a\rb']],
  ['a b # c', { extended: true }, ['ab'], ['a b']],
  ['[a b]', { extended: true }, [' '], ['c']],
  ['a+b', { ungreedy: true }, ['aab'], ['b']],
  ['\\Qa.b\\E+c', {}, ['a.bbc'], ['axbc']],
  ['[]a]', {}, [']', 'a'], ['b']],
  ['[^]a]', {}, ['b'], [']', 'a']],
  ['[a-\\d]', {}, ['-', '5', 'a'], ['b']],
  ['[[:^alpha:]x]', {}, ['1', 'x'], ['b']],
  ['a{,3}', {}, ['a{,3}'], ['aaa']],
  ['a{x', {}, ['a{x'], ['a']],
  ['\\101\\07\\cA', {}, ['A\x07\x01'], ['101']],
  ['(?P<n>a)(?P=n)\\k<n>\\g{n}\\g{-1}\\1', {}, ['aaaaaa'], ['aaaaa']],
  ['(a)?\\1b', {}, ['aab'], ['b']],
  ['(a)?(?(1)b|c)', {}, ['ab', 'c'], ['a']],
  ['(?(?=a)ab|c)', {}, ['ab', 'c'], ['b']],
  ['^(?>a+)ab', {}, [], ['aaab']],
  ['a++b', {}, ['aab'], ['aa']],
  ['^a\\Rb', {}, ['a\r\nb', 'a\x85b'], ['a\n\rb']],
  ['^a\\hb\\vc\\Nd', {}, ['a\xa0b\x85cxd'], ['a b c\nd']],
  ['(?#x)a(?#y)b', {}, ['ab'], ['a']],
  ['\\_\\-\\/\\@', {}, ['_-/@'], ['\\_']],
  ['(?s)a.b(?-s).', {}, ['a\nbx'], ['a\nb\n']],
]

test('the dialect matches byte for byte as PCRE does', () => {
  for (const [source, options, matching, other] of MATCHES) {
    const result = compilePattern(source, options)
    assert.ok(result.ok, `${source} is refused`)
    for (const value of matching) {
      assert.ok(result.pattern.test(value), `${source} does not match ${JSON.stringify(value)}`)
      assert.ok(
        result.pattern.exec(value, 0) >= 0,
        `${source} does not find ${JSON.stringify(value)}`,
      )
    }
    for (const value of other) {
      assert.ok(!result.pattern.test(value), `${source} matches ${JSON.stringify(value)}`)
    }
  }
})

test('names and groups are told', () => {
  const result = compilePattern("(?<year>\\d+)-(?:x)(?'month'\\d+)?(z)?", {})
  assert.ok(result.ok)
  const { pattern } = result
  assert.deepEqual(
    [...pattern.groupNames],
    [
      ['year', 1],
      ['month', 2],
    ],
  )
  assert.equal(pattern.exec('on 2026-x', 0), 3)
  assert.deepEqual(
    [0, 1, 2, 3].map((group) => pattern.capture(group)),
    ['2026-x', '2026', null, null],
  )
})

/** Pattern, the best required set, the length: each row tells what the extraction must see. */
const GATES: readonly (readonly [string, readonly string[] | null, number])[] = [
  ['select', ['select'], 6],
  ['foo.*bar', ['foo'], 6], // never joined into foobar
  ['(?:foo|bar)baz', ['foobaz', 'barbaz'], 6],
  ['s(?:elect.*from|leep)', ['elect', 'leep'], 5], // never selectfrom
  ['foo|b', null, 1], // one branch requires too little
  ['a[0-9]b', null, 3],
  ['foo(?!bar)', ['foo'], 3],
  ['(?=.*pass)word', ['pass'], 4],
  ['x*', null, 0],
  ['(?:abc)+', ['abc'], 3],
  ['(?:ab){2}c', ['ababc'], 5],
  ['ab\\bcd', ['abcd'], 4],
]

test('required literals are those that a match cannot do without', () => {
  for (const [source, literals, minLength] of GATES) {
    const result = compilePattern(source, {})
    assert.ok(result.ok)
    const best = result.pattern.requirement?.[0].map(({ text }) => text) ?? null
    const sorted = (texts: readonly string[] | null): string[] | null =>
      texts === null ? null : [...texts].sort()
    assert.deepEqual(sorted(best), sorted(literals), source)
    assert.equal(result.pattern.minLength, minLength, source)
  }
})
