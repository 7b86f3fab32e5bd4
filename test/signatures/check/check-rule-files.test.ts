import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import * as fc from 'fast-check'
import { checkRuleFiles, kindOf } from '#signatures/check/check-rule-files.ts'
import { MAX_EXCERPT, type RuleFile } from '#signatures/check/rule-report.ts'

const file = (path: string, text: string): RuleFile => ({
  path,
  bytes: Buffer.from(text, 'latin1'),
})
const rule = (sid: number, option = ''): string =>
  `alert tcp any any -> any any (msg:"x"; content:"abc"; ${option} sid:${sid}; rev:1;)`

const WORDS = [
  'SecRule',
  'SecAction',
  'Include *',
  '"',
  '\\\n',
  '\n',
  ' ',
  '#',
  'id:1',
  '@rx (',
  'alert',
  '\0',
  '\xff',
  'tcp any any -> any any (',
  'sid:1;',
  'content:"|',
  'pcre:"/(/"',
  ')',
  ',chain',
]

describe('checkRuleFiles', () => {
  test('both languages in one set are counted by file', () => {
    const report = checkRuleFiles([
      file('a.conf', 'SecRule ARGS "@rx a" "id:1,phase:2,deny"\n'),
      file('b.rules', `${rule(1)}\n# ${rule(2)}\n${rule(3, 'nonsense:1;')}\n`),
      file('c.data', 'x\n'),
      file('LICENSE', 'free'),
    ])
    assert.deepEqual([report.accepted, report.rejected, report.disabled], [2, 1, 1])
    assert.deepEqual(
      report.files.map((each) => [each.path, each.kind, each.accepted, each.rejected]),
      [
        ['a.conf', 'seclang', 1, 0],
        ['b.rules', 'suricata', 1, 1],
        ['c.data', 'data', 0, 0],
        ['LICENSE', 'other', 0, 0],
      ],
    )
    assert.deepEqual(Object.keys(report.byReason), ['unknown-keyword'])
  })

  test('a rule whose data file is not in the set is rejected', () => {
    const sets =
      `${rule(1, 'filemd5:bad.md5;')}\n${rule(2, 'filesha1:absent;')}\n` +
      'alert http any any -> any any (http.host; dataset:isset,h,type string,load sets/h.csv; sid:3;)\n' +
      'alert http any any -> any any (http.host; dataset:isset,s,type string,state not-yet; sid:4;)\n'
    const report = checkRuleFiles([
      file('rules/a.rules', sets),
      file('rules/bad.md5', 'x'),
      file('rules/sets/h.csv', 'x'),
    ])
    assert.deepEqual([report.accepted, report.rejected], [3, 1])
    assert.deepEqual(
      report.rejections.map(({ line, code }) => [line, code]),
      [[2, 'missing-data']],
    )
  })

  test('a rejection says where, why and what', () => {
    const text = 'SecRule ARGS "@rx a" "id:1,phase:2,deny"\n\nSecBogus On\n'
    const [rejection, ...others] = checkRuleFiles([file('rules/a.conf', text)]).rejections
    assert.equal(others.length, 0)
    const { file: path, line, column, text: excerpt, textColumn } = rejection
    assert.deepEqual(
      [path, line, column, excerpt, textColumn],
      ['rules/a.conf', 3, 1, 'SecBogus On', 1],
    )
    assert.match(rejection.reason, /SecBogus/)
  })

  test('several errors in one rule are one rejected rule', () => {
    const text = 'SecRule ARGZ "@foo x" \\\n  "id:2,phase:2,deny,t:nope"\n'
    const report = checkRuleFiles([file('a.conf', text)])
    assert.equal(report.rejected, 1)
    assert.ok(report.rejections.length > 1)
  })

  test('data files are found beside the rules, and only in the set', () => {
    const rules = file(
      'rules/a.conf',
      'SecRule ARGS "@pmFromFile words.data" "id:1,phase:2,deny"\n',
    )
    assert.equal(checkRuleFiles([rules, file('rules/words.data', 'x\n')]).rejected, 0)
    assert.equal(checkRuleFiles([rules, file('words.data', 'x\n')]).rejected, 1)
    const escaping = file('a.conf', 'SecRule ARGS "@pmFromFile /etc/passwd" "id:1,phase:2,deny"\n')
    assert.equal(checkRuleFiles([escaping]).rejected, 1)
    assert.equal(checkRuleFiles([file('a.conf', 'Include /etc/passwd\n')]).rejected, 1)
  })

  test('files in a folder that workers do not read are told as unread', () => {
    const report = checkRuleFiles([
      file('rules/a.conf', 'SecRule ARGS "@rx a" "id:1,phase:2,deny"\n'),
      file('deep/er/b.conf', 'SecBogus\n'),
    ])
    assert.equal(report.files[1].kind, 'unread')
    assert.equal(report.rejected, 0)
  })

  test('a chain across files is seen in load order', () => {
    const report = checkRuleFiles([
      file('rules/1.conf', 'SecRule ARGS "@rx a" "id:1,phase:2,deny"\n'),
      file('rules/2.conf', 'SecRule ARGS "@rx a" "id:1,phase:2,deny"\n'),
    ])
    assert.deepEqual([report.accepted, report.rejected], [1, 1])
    assert.equal(report.rejections[0].file, 'rules/2.conf')
  })

  test('a pattern that does not compile is found at its place', () => {
    const text =
      'SecRule ARGS "@rx a" "id:1,phase:2,deny"\nSecRule ARGS "@rx ab(c" "id:2,phase:2,deny"\n'
    const { accepted, rejections } = checkRuleFiles([file('a.conf', text)])
    assert.equal(accepted, 1)
    assert.deepEqual([rejections[0].code, rejections[0].line], ['SECLANG_PATTERN', 2])
  })

  test('a compiler that is passed in has the last word', () => {
    const text = 'SecRule ARGS "@rx a" "id:1,phase:2,deny,chain"\n  SecRule ARGS "@rx b" "t:none"\n'
    const at = { file: '/a.conf', line: 2, column: 3 }
    const found = { ...at, severity: 'error', code: 'SECLANG_ARGUMENT', message: 'no' } as const
    const report = checkRuleFiles([file('a.conf', text)], () => [found])
    assert.deepEqual([report.accepted, report.rejected], [0, 1])
    assert.equal(report.rejections[0].text, '  SecRule ARGS "@rx b" "t:none"')
  })

  test('a long rule is cut around the fault', () => {
    const long = rule(1, `${'content:"abcdefgh"; '.repeat(100)} nonsense:1;`)
    const [{ text = '', textColumn = 0 }] = checkRuleFiles([file('a.rules', long)]).rejections
    assert.ok(text.length <= MAX_EXCERPT)
    assert.match(text.slice(textColumn - 1), /^nonsense/)
  })

  test('no content makes it throw', () => {
    const path = fc.constantFrom(
      'a.conf',
      'b.rules',
      'rules/c.conf',
      'd.data',
      'classification.config',
    )
    const words = fc.constantFrom(...WORDS)
    const text = fc.array(fc.oneof(words, fc.string({ maxLength: 5 })), { maxLength: 30 })
    const input = fc.array(fc.record({ path, text }), { maxLength: 4 })
    fc.assert(
      fc.property(input, (files) => {
        const report = checkRuleFiles(files.map((each) => file(each.path, each.text.join(''))))
        const listed = Object.values(report.byReason).reduce((sum, each) => sum + each, 0)
        assert.equal(listed, report.rejections.length)
      }),
      { numRuns: 400 },
    )
  })

  test('kinds go by the name', () => {
    assert.deepEqual(
      ['a.conf', 'b.rules', 'c.data', 'classification.config', 'x.conf.example'].map(kindOf),
      ['seclang', 'suricata', 'data', 'data', 'other'],
    )
  })
})
