import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Diagnostic, formatDiagnostic } from '#signatures/seclang/diagnostic.ts'
import {
  filesOfFolder,
  type LoadedRules,
  loadRules,
  loadRuleText,
} from '#signatures/seclang/load.ts'
import type { Rule } from '#signatures/seclang/model.ts'
import { matchesWildcard } from '#signatures/seclang/rule-files.ts'
import { formatTarget } from '#signatures/seclang/targets.ts'
import { memoryFiles } from '#test/inspectors/waf/waf-of.ts'

const NONE = memoryFiles({})

function load(text: string): LoadedRules {
  return loadRuleText('/r.conf', text, NONE)
}

function rulesOf(loaded: LoadedRules): Rule[] {
  return loaded.ruleSet.entries.flatMap((entry) => (entry.kind === 'rule' ? entry.rule : []))
}

function only(text: string): Rule {
  const loaded = load(text)
  assert.deepEqual(loaded.diagnostics.map(formatDiagnostic), [])
  const rules = rulesOf(loaded)
  assert.equal(rules.length, 1)
  return rules[0]
}

test('a rule with everything', () => {
  const rule = only(`
SecRule REQUEST_HEADERS|!REQUEST_HEADERS:Cookie|&ARGS:a|TX:'/^a|b/'|ARGS:/x\\/y|z/|XML://@* \\
  "!@rx \\"a\\\\d+" \\
  "id:7,phase:request,t:none,t:urlDecodeUni,t:lowercase,deny,status:404,log,capture,multiMatch,\\
  msg:'it\\'s, a %{TX.0}',logdata:'x',severity:'CRITICAL',tag:'a/b',tag:'c',ver:'1',rev:'2',\\
  setvar:'tx.a=+%{tx.b}',setvar:!tx.c,setvar:tx.%{TX.1}_d=1,expirevar:ip.e=60,initcol:ip=%{X},\\
  ctl:ruleRemoveTargetById=1-9;ARGS:q,skipAfter:END"
SecMarker END`)
  const [link] = rule.links
  assert.deepEqual(link.targets.map(formatTarget), [
    'REQUEST_HEADERS',
    '!REQUEST_HEADERS:Cookie',
    '&ARGS:a',
    'TX:/^a|b/',
    'ARGS:/x/y|z/',
    'XML://@*',
  ])
  assert.equal(link.operator?.argument, '"a\\d+')
  assert.equal(link.operator?.negated, true)
  assert.equal(rule.phase, 2)
  assert.equal(link.actions.msg, "it's, a %{TX.0}")
  assert.deepEqual(link.actions.transformations, ['urldecodeuni', 'lowercase'])
  assert.deepEqual(link.actions.disruptive, { kind: 'deny' })
  assert.equal(link.actions.severity, 2)
  const { effects } = link.actions
  assert.deepEqual(effects.slice(0, 5), [
    { kind: 'setvar', collection: 'TX', name: 'a', operation: 'add', value: '%{tx.b}' },
    { kind: 'setvar', collection: 'TX', name: 'c', operation: 'unset', value: '' },
    { kind: 'setvar', collection: 'TX', name: '%{TX.1}_d', operation: 'set', value: '1' },
    { kind: 'expirevar', collection: 'IP', name: 'e', seconds: '60' },
    { kind: 'initcol', collection: 'IP', key: '%{X}' },
  ])
  const [, , , , , ctl] = effects
  assert.ok(ctl.kind === 'ctl' && ctl.ctl.kind === 'remove-targets')
  assert.deepEqual(ctl.ctl.selection, { by: 'id', ranges: [{ from: 1, to: 9 }] })
  assert.deepEqual(ctl.ctl.targets.map(formatTarget), ['ARGS:q'])
  assert.deepEqual(rule.position, { file: '/r.conf', line: 2, column: 1 })
})

test('default actions are per phase and give what the rule leaves open', () => {
  const loaded = load(`
SecDefaultAction "phase:1,deny,status:451,nolog,t:lowercase"
SecAction "id:1,phase:1,block"
SecAction "id:2,phase:1,t:none,pass,log"
SecAction "id:3,phase:2"`)
  const [one, two, three] = rulesOf(loaded)
  assert.deepEqual(one.blockAs, { kind: 'deny' })
  assert.equal(one.links[0].actions.status, 451)
  assert.equal(one.links[0].actions.log, false)
  assert.deepEqual(one.links[0].actions.transformations, ['lowercase'])
  assert.deepEqual(two.links[0].actions.transformations, [])
  assert.equal(two.links[0].actions.log, true)
  assert.deepEqual(three.links[0].actions.disruptive, { kind: 'pass' })
  assert.equal(three.links[0].actions.log, true)
})

test('rules are removed and changed by what follows them', () => {
  const loaded = load(`
SecRule ARGS "@rx a" "id:1,deny,tag:'x/one',msg:'first'"
SecRule ARGS "@rx a" "id:2,deny,tag:'y',msg:'second'"
SecRule ARGS "@rx a" "id:3,deny,msg:'third'"
SecRule ARGS "@rx a" "id:4,deny"
SecRuleRemoveById 4 100-200
SecRuleRemoveByTag "^x/"
SecRuleRemoveByMsg "sec.nd"
SecRuleUpdateTargetById 3 "!ARGS:a,REQUEST_URI"
SecRuleUpdateActionById 3 "pass,t:lowercase,tag:'new'"`)
  const [rule, ...others] = rulesOf(loaded)
  assert.equal(others.length, 0)
  assert.equal(rule.id, 3)
  assert.deepEqual(rule.links[0].targets.map(formatTarget), ['ARGS', '!ARGS:a', 'REQUEST_URI'])
  assert.deepEqual(rule.links[0].actions.disruptive, { kind: 'pass' })
  assert.deepEqual(rule.links[0].actions.tags, ['new'])
})

const ERRORS: readonly (readonly [string, Diagnostic['code'], number, number, RegExp])[] = [
  ['SecRuel ARGS "@rx a" "id:1"', 'SECLANG_UNKNOWN_DIRECTIVE', 1, 1, /did you mean "SecRule"/],
  ['SecRule ARG "@rx a" "id:1"', 'SECLANG_UNKNOWN_VARIABLE', 1, 9, /did you mean "ARGS"/],
  ['SecRule ARGS|REQEST_URI "a" "id:1"', 'SECLANG_UNKNOWN_VARIABLE', 1, 14, /"REQUEST_URI"/],
  ['SecRule ARGS "@contians a" "id:1"', 'SECLANG_UNKNOWN_OPERATOR', 1, 15, /"contains"/],
  [
    'SecRule ARGS "a" \\\n  "id:1,t:lowercas"',
    'SECLANG_UNKNOWN_TRANSFORMATION',
    2,
    9,
    /"lowercase"/,
  ],
  ['SecRule ARGS "a" \\\n "id:1,\\\n  dney"', 'SECLANG_UNKNOWN_ACTION', 3, 3, /"deny"/],
  ['SecAction "id:1,ctl:ruleRemoveByld=1"', 'SECLANG_UNKNOWN_CTL', 1, 17, /"ruleRemoveById"/],
  ['SecAction "id:1,exec:/bin/sh"', 'SECLANG_REFUSED', 1, 17, /do not start programs/],
  ['SecRuleScript /a.lua', 'SECLANG_REFUSED', 1, 1, /do not start programs/],
  ['SecRule FILES "@inspectFile /a" "id:1"', 'SECLANG_REFUSED', 1, 16, /do not start programs/],
  ['SecRule ARGS "@rx a" "id:1', 'SECLANG_SYNTAX', 1, 22, /never closed/],
  ['SecAction "id:1,msg:\'a"', 'SECLANG_SYNTAX', 1, 21, /never closed/],
  ['SecRule ARGS', 'SECLANG_SYNTAX', 1, 1, /takes 2 to 3 arguments/],
  ['SecRule !ARGS "@rx a" "id:1"', 'SECLANG_SYNTAX', 1, 1, /no variable/],
  ['SecRule REQUEST_URI:a "@rx a" "id:1"', 'SECLANG_ARGUMENT', 1, 9, /takes no selector/],
  ['SecAction "id:x"', 'SECLANG_ARGUMENT', 1, 12, /number from 1/],
  ['SecAction "id:1,phase:6"', 'SECLANG_ARGUMENT', 1, 17, /phase needs/],
  ['SecAction "id:1,setvar:foo.a=1"', 'SECLANG_ARGUMENT', 1, 17, /setvar needs/],
  ['SecAction "pass"', 'SECLANG_RULE_ID', 1, 1, /no id/],
  [
    'SecAction "id:1"\nSecAction "id:1"',
    'SECLANG_RULE_ID',
    2,
    1,
    /taken by the rule at \/r.conf:1/,
  ],
  ['SecRule ARGS "a" "id:1,chain"\nSecMarker X', 'SECLANG_CHAIN', 2, 1, /no next SecRule/],
  ['SecRule ARGS "a" "id:1,chain"\nSecRule ARGS "a" "deny"', 'SECLANG_CHAIN', 2, 1, /first rule/],
  ['SecRequestBodyLimit many', 'SECLANG_ARGUMENT', 1, 21, /needs a number/],
  ['SecRuleEngine Maybe', 'SECLANG_ARGUMENT', 1, 15, /On, Off or DetectionOnly/],
  ['Include missing.conf', 'SECLANG_FILE', 1, 1, /no such file/],
  ['SecRule XML:/a[1] "@rx a" "id:1"', 'SECLANG_REFUSED', 1, 9, /more than is offered/],
  ['<Location />', 'SECLANG_REFUSED', 1, 1, /chain of its own/],
]

test('every error names its place and what to write instead', () => {
  for (const [text, code, line, column, message] of ERRORS) {
    const [diagnostic] = load(text).diagnostics
    assert.ok(diagnostic !== undefined, `no finding about ${text}`)
    const found = formatDiagnostic(diagnostic)
    assert.equal(diagnostic.code, code, found)
    assert.equal(diagnostic.severity, 'error', found)
    assert.deepEqual([diagnostic.line, diagnostic.column], [line, column], `${text}\n${found}`)
    assert.match(diagnostic.message, message)
  }
})

test('what is understood and has no effect is a warning, never silence', () => {
  const loaded = load(`
SecDataDir /tmp
SecAction "id:1,phase:1,pause:100"
SecRule REMOTE_ADDR "@geoLookup" "id:2"
SecRuleRemoveById 99
SecAction "id:3,skipAfter:NOWHERE"`)
  assert.equal(loaded.hasErrors, false)
  assert.deepEqual(
    loaded.diagnostics.map((one) => [one.line, one.code]),
    [
      [2, 'SECLANG_IGNORED_DIRECTIVE'],
      [3, 'SECLANG_IGNORED_ACTION'],
      [4, 'SECLANG_NEVER_MATCHES'],
      [5, 'SECLANG_NO_SUCH_RULE'],
      [6, 'SECLANG_NO_SUCH_MARKER'],
    ],
  )
})

test('a broken rule is rejected with its chain, the others are accepted', () => {
  const loaded = load(`
SecRule ARGS "@rx a" "id:1,chain"
  SecRule ARG "@rx a" "t:none"
SecAction "id:2"`)
  assert.deepEqual([loaded.acceptedRules, loaded.rejectedRules], [1, 1])
})

test('folders are read in the order of CRS, includes expand and stay inside', () => {
  const files = memoryFiles({
    '/crs/crs-setup.conf': 'SecAction "id:1"',
    '/crs/plugins/x-after.conf': 'SecAction "id:5"',
    '/crs/plugins/x-before.conf': 'SecAction "id:3"',
    '/crs/plugins/x-config.conf': 'SecAction "id:2"',
    '/crs/rules/a.conf': 'SecAction "id:4"',
    '/crs/rules/b.conf.example': 'SecAction "id:9"',
    '/main.conf': 'Include crs\nIncludeOptional none/*.conf\nInclude /crs/rules/*.example',
  })
  assert.deepEqual(filesOfFolder('/crs', files), [
    '/crs/crs-setup.conf',
    '/crs/plugins/x-config.conf',
    '/crs/plugins/x-before.conf',
    '/crs/rules/a.conf',
    '/crs/plugins/x-after.conf',
  ])
  const loaded = loadRules(['/main.conf'], files)
  assert.deepEqual(
    rulesOf(loaded).map((rule) => rule.id),
    [1, 2, 3, 4, 5, 9],
  )
})

test('includes that go in circles end with an error', () => {
  const files = memoryFiles({ '/a.conf': 'Include b.conf', '/b.conf': 'Include a.conf' })
  const loaded = loadRules(['/a.conf'], files)
  assert.equal(loaded.diagnostics[0]?.code, 'SECLANG_LIMIT')
})

test('comments continue like other lines, IfModule blocks of known modules are read', () => {
  const loaded = load(`
# SecAction \\
  "id:1"
<IfModule security2_module>
SecAction "id:2"
</IfModule>
<IfModule !mod_security2.c>
SecAction "id:3"
</IfModule>
<IfModule other_module>
SecNonsense
</IfModule>`)
  assert.deepEqual(loaded.diagnostics, [])
  assert.deepEqual(
    rulesOf(loaded).map((rule) => rule.id),
    [2],
  )
})

test('wildcards', () => {
  assert.ok(matchesWildcard('a.conf', '*.conf'))
  assert.ok(matchesWildcard('REQUEST-901.conf', 'REQ*-9?1.*'))
  assert.ok(!matchesWildcard('.hidden.conf', '*.conf'))
  assert.ok(!matchesWildcard('a.conf.example', '*.conf'))
})
