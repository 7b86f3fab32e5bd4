import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import * as fc from 'fast-check'
import { parseRules } from '#signatures/suricata/parse-rules.ts'
import type { RuleProblem } from '#signatures/suricata/problem.ts'
import type { ContentMatch } from '#signatures/suricata/buffer-match.ts'
import type { Rule } from '#signatures/suricata/rule.ts'

const HEAD = 'alert tcp any any -> any any'

function one(text: string): Rule {
  const { rules, errors } = parseRules(text, 'a.rules')
  assert.deepEqual(errors, [])
  assert.equal(rules.length, 1)
  return rules[0]
}

function rejected(text: string): RuleProblem {
  const { rules, errors } = parseRules(text, 'a.rules')
  assert.equal(rules.length, 0, `accepted: ${text}`)
  assert.equal(errors.length, 1)
  return errors[0]
}

describe('rule files', () => {
  it('reads header, metadata and place', () => {
    const rule = one(
      'drop http $HOME_NET [80,8000:8080,!8001] <> [10.0.0.0/8,!10.1.0.0/16] any (msg:"a \\"b\\"\\; c"; ' +
        'reference:url,example.com/x; reference:cve,2021-1; classtype:trojan-activity; sid:7; rev:3; gid:2; ' +
        'metadata:a b, a c, d e f; target:dest_ip;)',
    )
    assert.equal(rule.action, 'drop')
    assert.equal(rule.protocol.name, 'http')
    assert.equal(rule.direction, 'both')
    assert.equal(rule.message, 'a "b"; c')
    assert.deepEqual([rule.gid, rule.sid, rule.rev, rule.priority], [2, 7, 3, 1])
    assert.deepEqual(rule.references, ['url,example.com/x', 'cve,2021-1'])
    assert.deepEqual(rule.metadata, { a: ['b', 'c'], d: ['e f'] })
    assert.equal(rule.target, 'dest_ip')
    assert.deepEqual([rule.file, rule.line], ['a.rules', 1])
  })

  it('joins lines that end in a backslash and still knows the column', () => {
    const text = `# a comment\n${HEAD} (msg:"x"; \\\n  content:"a"; \\\n  bogus; sid:1;)\n`
    const problem = rejected(text)
    assert.deepEqual([problem.line, problem.column, problem.code], [4, 3, 'unknown-keyword'])
    assert.equal(problem.sid, 1)
  })

  it('counts commented-out rules and parses them on request', () => {
    const text = `#${HEAD} (sid:1;)\n# ${HEAD} (sid:2;)\n# just words (and more)\n##\n${HEAD} (sid:3;)`
    const parsed = parseRules(text, 'a.rules')
    assert.deepEqual([parsed.rules.length, parsed.disabled], [1, 2])
    const all = parseRules(text, 'a.rules', { includeDisabled: true })
    assert.deepEqual(
      all.rules.map((rule) => [rule.sid, rule.enabled]),
      [
        [1, false],
        [2, false],
        [3, true],
      ],
    )
  })

  it('takes a later revision for an earlier one, and rejects a later one that is not higher', () => {
    const { rules, errors, disabled } = parseRules(
      `${HEAD} (sid:1; rev:1;)\n${HEAD} (sid:1; rev:2;)\n${HEAD} (sid:1; rev:2;)`,
      'a.rules',
    )
    assert.deepEqual(
      rules.map((rule) => rule.rev),
      [2],
    )
    assert.equal(disabled, 1)
    assert.deepEqual(
      errors.map((error) => [error.code, error.line]),
      [['duplicate-sid', 3]],
    )
  })

  it('passes over a rule whose requirements are unmet, whatever else it says', () => {
    const skipped = [
      'requires:version < 7; content:"a"; sid:1;',
      'later.keyword; requires:version >= 99; sid:2;',
      'requires:keyword later.keyword; sid:3;',
      'requires:feature unheard-of; sid:4;',
      'requires:moon full; sid:5;',
    ]
    const met = 'requires:version >= 7.0.3 < 8 | >= 8.0.1, keyword http.uri; sid:6;'
    const text = [...skipped, met].map((options) => `${HEAD} (${options})`).join('\n')
    const { rules, errors, disabled } = parseRules(text, 'a.rules')
    assert.deepEqual([rules.map(({ sid }) => sid), errors, disabled], [[6], [], 5])
  })

  it('reads hex, escapes and CRLF line ends', () => {
    const rule = one(`${HEAD} (content:"a|0D 0a|b\\;\\"\\:\\\\"; sid:1;)\r\n`)
    assert.equal((rule.sections[0].matches[0] as ContentMatch).pattern, 'a\r\nb;":\\')
  })

  it('moves contents of old modifiers into their buffers and binds the rule to HTTP', () => {
    const rule = one(
      'alert tcp any any -> any 80 (content:"a"; http_uri; content:"b"; distance:0; http_uri; content:"c"; sid:1;)',
    )
    assert.equal(rule.application, 'http')
    assert.deepEqual(
      rule.sections.map((section) => [section.buffer, section.matches.length]),
      [
        ['http.uri', 2],
        ['payload', 1],
      ],
    )
    assert.deepEqual([rule.toServer, rule.toClient], [true, false])
  })

  it('merges sections of one buffer, keeps transforms and instances apart', () => {
    const rule = one(
      'alert http any any -> any any (http.uri; content:"a"; http.method; content:"b"; http.uri; content:"c"; ' +
        'to_lowercase; content:"d"; http.request_header; content:"e"; http.request_header; content:"f"; sid:1;)',
    )
    assert.deepEqual(
      rule.sections.map(({ buffer, transforms, matches }) => [
        buffer,
        transforms.length,
        matches.length,
      ]),
      [
        ['http.uri', 0, 2],
        ['http.method', 0, 1],
        ['http.uri', 1, 1],
        ['http.request_header', 0, 1],
        ['http.request_header', 0, 1],
      ],
    )
  })
})

describe('rejected rules', () => {
  const H = 'alert http any any -> any any'
  const cases: readonly (readonly [string, string, RuleProblem['code'], number])[] = [
    ['an unknown action', 'allert tcp any any -> any any (sid:1;)', 'unknown-action', 1],
    ['an unknown protocol', 'alert htpp any any -> any any (sid:1;)', 'unknown-protocol', 7],
    ['a bad network', 'alert tcp 10.0.0.0/33 any -> any any (sid:1;)', 'bad-address', 11],
    ['a bad port', 'alert tcp any 70000 -> any any (sid:1;)', 'bad-port', 15],
    ['a reversed range of ports', 'alert tcp any 90:80 -> any any (sid:1;)', 'bad-port', 15],
    ['not any', 'alert tcp !any any -> any any (sid:1;)', 'bad-address', 11],
    ['a direction to the left', 'alert tcp any any <- any any (sid:1;)', 'bad-direction', 19],
    ['a missing part of the header', 'alert tcp any any -> any (sid:1;)', 'syntax', 26],
    ['no closing parenthesis', `${HEAD} (sid:1;`, 'syntax', 36],
    ['no closing semicolon', `${HEAD} (sid:1)`, 'syntax', 31],
    ['no sid', `${HEAD} (msg:"x";)`, 'missing-sid', 1],
    ['an unknown keyword', `${HEAD} (contnet:"a"; sid:1;)`, 'unknown-keyword', 31],
    ['a keyword that is not enforced', `${HEAD} (lua:x.lua; sid:1;)`, 'unsupported-keyword', 31],
    ['content without quotes', `${HEAD} (content:a; sid:1;)`, 'bad-content', 39],
    ['odd hex', `${HEAD} (content:"|0|"; sid:1;)`, 'bad-content', 39],
    ['an open hex run', `${HEAD} (content:"|00"; sid:1;)`, 'bad-content', 39],
    ['an empty content', `${HEAD} (content:""; sid:1;)`, 'bad-content', 39],
    ['a modifier without content', `${HEAD} (nocase; sid:1;)`, 'misplaced-modifier', 31],
    ['depth below the length', `${HEAD} (content:"abc"; depth:2; sid:1;)`, 'bad-argument', 52],
    ['within 0', `${HEAD} (content:"a"; content:"b"; within:0; sid:1;)`, 'bad-argument', 64],
    ['offset with distance', `${HEAD} (content:"a"; distance:1; offset:1; sid:1;)`, 'conflict', 63],
    ['an unset variable', `${HEAD} (content:"a"; distance:len; sid:1;)`, 'bad-argument', 53],
    ['nocase with http.host', `${H} (http.host; content:"a"; nocase; sid:1;)`, 'conflict', 1],
    [
      'two directions',
      `${H} (http.uri; content:"a"; http.stat_code; content:"1"; sid:1;)`,
      'conflict',
      1,
    ],
    [
      'a response buffer to the server',
      `${H} (flow:to_server; http.stat_code; content:"1"; sid:1;)`,
      'conflict',
      1,
    ],
    [
      'an unused sticky buffer',
      `${H} (http.uri; http.method; content:"a"; sid:1;)`,
      'conflict',
      42,
    ],
    ['a TLS buffer in HTTP', `${H} (tls.sni; content:"a"; sid:1;)`, 'conflict', 1],
    ['a bad pattern', `${HEAD} (pcre:"/(/"; sid:1;)`, 'bad-pcre', 36],
    ['a bad modifier of pcre', `${HEAD} (pcre:"/a/q"; sid:1;)`, 'bad-argument', 36],
    [
      'a threshold without count',
      `${HEAD} (threshold:type limit, track by_src, seconds 1; sid:1;)`,
      'bad-argument',
      41,
    ],
    [
      'two thresholds',
      `${HEAD} (detection_filter:track by_src, count 1, seconds 1; threshold:type limit, track by_src, count 1, seconds 1; sid:1;)`,
      'conflict',
      92,
    ],
    ['two directions in flow', `${HEAD} (flow:to_server,to_client; sid:1;)`, 'conflict', 36],
    ['a size between nothing', `${H} (http.uri; bsize:1<>2; sid:1;)`, 'bad-argument', 48],
    ['base64_data alone', `${HEAD} (base64_data; content:"a"; sid:1;)`, 'misplaced-modifier', 31],
    ['text after the rule', `${HEAD} (sid:1;) x`, 'syntax', 38],
  ]
  for (const [what, text, code, column] of cases) {
    it(`names ${what}`, () => {
      const problem = rejected(text)
      assert.deepEqual([problem.code, problem.line, problem.column], [code, 1, column])
      assert.notEqual(problem.message, '')
    })
  }

  it('suggests the nearest keyword', () => {
    assert.equal(rejected(`${HEAD} (contnet:"a"; sid:1;)`).suggestion, 'did you mean content?')
  })
})

describe('hostile input', () => {
  it('never throws, whatever the text', () => {
    const word = fc.constantFrom(
      'alert',
      'tcp',
      'http',
      'any',
      '->',
      '(',
      ')',
      ';',
      ':',
      '"',
      '|',
      '[',
      ']',
      '!',
      '$X',
      '\\',
      '\n',
      ',',
      'content',
      'pcre',
      'sid:1',
      'byte_test',
      'flow',
      'http.uri',
      'within',
      '/a/',
      '00',
      '-1',
      ' ',
    )
    fc.assert(
      fc.property(fc.array(word, { maxLength: 40 }), fc.string(), (words, tail) => {
        parseRules(`alert tcp any any -> any any (${words.join('')}${tail}`, 'a.rules')
        parseRules(words.join(' ') + tail, 'a.rules')
      }),
      { numRuns: 500 },
    )
  })
})

describe('ET Open', () => {
  const file = join(import.meta.dirname, '../../../../shared/data/et-open/emerging-all.rules')
  it(
    'is accepted but for a few rules',
    { skip: existsSync(file) ? false : `${file} is absent` },
    () => {
      const text = readFileSync(file, 'latin1')
      const { rules, errors, disabled } = parseRules(text, file)
      assert.equal(rules.length + errors.length, 31_996)
      assert.equal(disabled, 12_202)
      assert.ok(errors.length <= 31_996 * 0.005, `${errors.length} rejected`)
      for (const error of errors) assert.ok(error.line > 0 && error.column > 0)
    },
  )
})
