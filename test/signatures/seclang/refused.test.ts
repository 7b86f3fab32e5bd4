import assert from 'node:assert/strict'
import { test } from 'node:test'
import { loadRuleText } from '#signatures/seclang/load.ts'
import { memoryFiles } from '#test/inspectors/waf/waf-of.ts'

/** `line:column code` of the errors in a text. */
function errorsOf(text: string): string[] {
  return loadRuleText('/rules/a.conf', text, memoryFiles({}))
    .diagnostics.filter(({ severity }) => severity === 'error')
    .map(({ line, column, code }) => `${line}:${column} ${code}`)
}

const REFUSED: readonly (readonly [string, string])[] = [
  ['SecRule ARGS "@rx x" "id:8,deny,exec:/bin/sh"', '1:33 SECLANG_REFUSED'],
  ['SecRule ARGS "@inspectFile /run.sh" "id:7,deny"', '1:15 SECLANG_REFUSED'],
  ['SecRuleScript /tmp/x.lua "id:9,deny"', '1:1 SECLANG_REFUSED'],
  ['SecRemoteRules key https://x/', '1:1 SECLANG_REFUSED'],
  ['SecAction "id:1,pass,ctl:ruleRemoveByTag=("', '1:22 SECLANG_PATTERN'],
  ['SecAction "id:1,pass,ctl:ruleRemoveTargetByMsg=(;ARGS:x"', '1:22 SECLANG_PATTERN'],
  ['SecRuleRemoveByMsg "a("', '1:21 SECLANG_PATTERN'],
  ['SecRuleUpdateTargetByTag "(" "!ARGS:x"', '1:27 SECLANG_PATTERN'],
  ['SecAuditLogRelevantStatus "(("', '1:28 SECLANG_ARGUMENT'],
  ['SecAction "id:1,pass,sanitiseMatchedBytes:x"', '1:22 SECLANG_ARGUMENT'],
]

for (const [text, expected] of REFUSED) {
  test(`${text} is refused where it stands`, () => {
    assert.deepEqual(errorsOf(text), [expected])
    assert.deepEqual(errorsOf(`\n\n${text}`), [expected.replace(/^1/, '3')])
  })
}
