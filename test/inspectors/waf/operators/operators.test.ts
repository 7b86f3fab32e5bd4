import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  Captures,
  type DataFile,
  type Operator,
  type OperatorResult,
} from '#inspectors/waf/operators/operator.ts'
import { OPERATORS } from '#inspectors/waf/operators/registry.ts'
import { gateRefuses } from '#test/signatures/pcre/gate-check.ts'

const FILES: Readonly<Record<string, string>> = {
  words: '# comment\n  select  \nunion all\n\n',
  networks: '10.0.0.0/8 # private\n2001:db8::/32\n',
  empty: '# nothing\n',
}

function readData(name: string): DataFile {
  const textLatin1 = FILES[name]
  return textLatin1 === undefined
    ? { ok: false, message: `${name} is not there` }
    : { ok: true, textLatin1 }
}

function compile(name: string, argument: string): OperatorResult {
  const definition = OPERATORS.get(name.toLowerCase())
  assert.ok(definition !== undefined, `there is no @${name}`)
  return definition.compile(argument, { readData })
}

function operator(name: string, argument: string): Operator {
  const result = compile(name, argument)
  assert.ok(result.ok, `@${name} ${argument} is refused`)
  return result.operator
}

/** Operator, argument, values that match, values that do not. */
const CASES: readonly (readonly [string, string, readonly string[], readonly string[]])[] = [
  ['beginsWith', 'ab', ['ab', 'abc'], ['cab', '']],
  ['contains', 'ab', ['cabc'], ['AB']],
  ['containsWord', 'ab', ['x ab', 'ab-c', 'abab ab'], ['abc', '_ab']],
  ['endsWith', 'ab', ['cab'], ['abc']],
  ['streq', 'ab', ['ab'], ['AB', 'abc']],
  ['within', 'GET POST', ['GET', 'T P', ''], ['PUT']],
  ['eq', '5', ['5', ' 5x'], ['6', '4294967301']],
  ['gt', '5', ['6', '4294967297'], ['5', 'x']],
  ['le', '5', ['5', '-1', 'x'], ['6']],
  [
    'ipMatch',
    '10.1.2.3, 192.168.0.0/16,::1',
    ['10.1.2.3', '192.168.9.9', '0::1'],
    ['10.1.2.4', 'x'],
  ],
  ['ipMatchFromFile', 'networks', ['10.9.9.9', '2001:db8:1::'], ['11.0.0.1']],
  ['pm', 'select UNION |41 42|c \\"', ['SeLeCt', 'xunionx', 'abc', '"'], ['sel ect']],
  ['pmFromFile', 'words', ['Union All', 'SELECT'], ['union  all', 'comment']],
  ['rx', '^a.c$', ['a\nc'], ['a\nc\n', 'abd']],
  ['strmatch', 'a|20|b', ['xa bx'], ['ab', 'A B']],
  ['validateByteRange', '32-126,10', ['a\0', '\xff'], ['abc\n', '']],
  ['validateUrlEncoding', '', ['%', '%4', 'a%zz'], ['%41%4a', '']],
  ['validateUtf8Encoding', '', ['\xff', '\xc0\xaf', '\xed\xa0\x80', '\xe2\x82'], ['\xc3\xa9', 'a']],
  ['verifyCC', '\\b\\d{16}\\b', ['no 5484605089158216.'], ['5484605089158217', 'x']],
  ['verifyCPF', '[\\d.-]{14}', ['010.817.514-60'], ['010.817.514-61', '111.111.111-11']],
  [
    'verifySSN',
    '\\d{3}-?\\d\\d-?\\d{4}',
    ['536-90-4399'],
    ['666-12-3456', '123456789', '000-12-3456'],
  ],
  ['verifySVNR', '\\d{4} ?\\d{6}', ['1237 010180'], ['1238 010180', '1234567890']],
  ['detectSQLi', '', ["1' or '1'='1", '1 UNION SELECT 1'], ['hello', '12345']],
  ['detectXSS', '', ['<script>', '" onload=x '], ['a < b', 'x=1']],
  ['unconditionalMatch', '', ['', 'x'], []],
  ['noMatch', '', [], ['', 'x']],
]

test('each operator matches what it should, and its gate lets that through', () => {
  for (const [name, argument, matching, other] of CASES) {
    const compiled = operator(name, argument)
    const { gate } = compiled
    for (const value of matching) {
      const what = `@${name} ${argument} on ${JSON.stringify(value)}`
      assert.ok(compiled.match(value, null), `${what} does not match`)
      assert.ok(compiled.match(value, new Captures()), `${what} does not match with captures`)
      if (gate !== null) assert.equal(gateRefuses(gate, value), null, what)
    }
    for (const value of other) {
      assert.ok(
        !compiled.match(value, null),
        `@${name} ${argument} matches ${JSON.stringify(value)}`,
      )
    }
  }
})

test('captures tell what matched and where', () => {
  const captures = new Captures()
  assert.ok(operator('rx', '(b)(x)?(c)').match('abcd', captures))
  assert.deepEqual([captures.offset, captures.count], [1, 4])
  assert.deepEqual(captures.groups.slice(0, 4), ['bc', 'b', '', 'c'])
  assert.ok(operator('rx', '(b)(x)?').match('abcd', captures))
  assert.equal(captures.count, 2)
  assert.ok(operator('rxGlobal', '(\\d)\\w').match('1a 2b 3c', captures))
  assert.deepEqual(captures.groups.slice(0, captures.count), ['1a', '1', '2b', '2', '3c', '3'])
  assert.ok(operator('pm', 'ab abc b').match('xABC', captures))
  assert.deepEqual([captures.groups[0], captures.offset], ['AB', 1])
  assert.ok(operator('validateByteRange', '97-122').match('ab0', captures))
  assert.deepEqual([captures.count, captures.offset], [0, 2])
  assert.ok(operator('detectSQLi', '').match("1' or '1'='1", captures))
  assert.equal(captures.groups[0], 's&sos')
})

test('arguments with macros are compared as they expand', () => {
  const dynamic = OPERATORS.get('rx')?.compileDynamic()
  assert.ok(dynamic !== null && dynamic !== undefined)
  assert.equal(dynamic.match('abc', '^a', null), true)
  assert.equal(dynamic.match('abc', '^b', null), false)
  assert.equal(dynamic.match('abc', '(', null), false)
  for (let count = 0; count < 200; count += 1) dynamic.match('abc', `^${count}`, null)
  assert.equal(dynamic.match('abc', '^a', null), true)
  assert.equal(OPERATORS.get('pm')?.compileDynamic(), null)
})

test('what cannot be done is refused or warned about, with its place', () => {
  const refusals: readonly (readonly [string, string, string, number])[] = [
    ['rx', 'a(b', 'OPERATOR_PATTERN', 1],
    ['pm', '', 'OPERATOR_ARGUMENT', 0],
    ['pm', 'ab |4x|', 'OPERATOR_ARGUMENT', 3],
    ['pm', 'a\\n', 'OPERATOR_ARGUMENT', 1],
    ['ipMatch', '10.0.0.1,10.0.0.0/33', 'OPERATOR_ARGUMENT', 9],
    ['validateByteRange', '1-300', 'OPERATOR_ARGUMENT', 0],
    ['pmFromFile', 'words missing', 'OPERATOR_FILE', 6],
    ['pmFromFile', 'https://example.test/x', 'OPERATOR_UNSUPPORTED', 0],
    ['inspectFile', 'x.lua', 'OPERATOR_UNSUPPORTED', 0],
    ['rsub', 's/a/b/', 'OPERATOR_UNSUPPORTED', 0],
  ]
  for (const [name, argument, code, offset] of refusals) {
    const result = compile(name, argument)
    assert.ok(!result.ok, `@${name} ${argument} is taken`)
    assert.deepEqual([result.error.code, result.error.offset], [code, offset])
  }
  for (const [name, argument, code] of [
    ['geoLookup', '', 'OPERATOR_NEVER_MATCHES'],
    ['rbl', 'example.test', 'OPERATOR_NEVER_MATCHES'],
    ['pmFromFile', 'empty', 'OPERATOR_NEVER_MATCHES'],
    ['rx', 'a(?!b)', 'OPERATOR_PATTERN_BUDGET'],
  ]) {
    const result = compile(name, argument)
    assert.ok(result.ok)
    assert.equal(result.warnings[0]?.code, code, `@${name} ${argument}`)
  }
})
