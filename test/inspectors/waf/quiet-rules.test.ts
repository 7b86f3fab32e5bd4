import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import type { Program } from '#inspectors/waf/compile/program.ts'
import { alertsOf, send, wafOf } from './waf-of.ts'

/** Ids from here on are of the engine's own rules. */
const OWN_RULES = 200_000

/** Rules that depend on what is mostly the same, with others around them that change what they see. */
const RULES = `
SecAction "id:1,phase:1,pass,nolog,setvar:tx.methods=|GET| |POST|"
SecRule REQUEST_METHOD "!@within %{tx.methods}" "id:2,phase:1,pass,log,msg:'method'"
SecRule REQUEST_METHOD "@streq POST" "id:3,phase:1,pass,log,msg:'length',chain"
  SecRule &REQUEST_HEADERS:X-Size "@eq 0"
SecRule ARGS:off "@streq size" "id:4,phase:1,pass,nolog,ctl:ruleRemoveTargetById=3;REQUEST_HEADERS:x-size"
SecRule ARGS:off "@streq names" "id:5,phase:1,pass,nolog,ctl:ruleRemoveTargetById=9;ARGS:a,ctl:ruleRemoveTargetById=14-15;ARGS:a"
SecRule ARGS:off "@streq rule" "id:6,phase:1,pass,nolog,ctl:ruleRemoveById=7"
SecRule REQUEST_HEADERS:X-Kind "@rx ^b" "id:7,phase:1,pass,log,msg:'kind %{matched_var}'"
SecRule REQUEST_FILENAME "@endsWith .bad" "id:8,phase:1,pass,log,msg:'file'"
SecRule &ARGS "@eq 1" "id:9,phase:1,pass,log,msg:'one argument'"
SecRule &REQUEST_HEADERS:X-Kind "@gt 1" "id:10,phase:1,pass,log,msg:'twice'"
SecRule REQUEST_METHOD "@streq GET" "id:11,phase:2,pass,nolog,setvar:tx.seen=+1,chain"
  SecRule REQUEST_HEADERS:X-Size "@eq 9"
SecRule &ARGS "@eq 1" "id:14,phase:2,pass,log,msg:'one argument later'"
SecRule &ARGS "@eq 2" "id:15,phase:2,pass,log,msg:'two arguments'"
SecAction "id:12,phase:2,pass,log,msg:'%{tx.seen}'"
`

const requests = fc.array(
  fc.record({
    method: fc.constantFrom('GET', 'POST', 'PUT'),
    path: fc.constantFrom('/', '/a', '/a.bad'),
    query: fc.constantFrom('', '?a=1', '?a=1&b=2', '?off=size&a=1', '?off=names&a=1', '?off=rule'),
    headers: fc.array(fc.constantFrom('X-Size: 1', 'X-Size: 9', 'X-Kind: a', 'x-kind: b'), {
      maxLength: 3,
    }),
  }),
  { minLength: 3, maxLength: 12 },
)

function messages(waf: ReturnType<typeof wafOf>, line: string, headers: string[]): string[] {
  return alertsOf(send(waf, line, headers)).map(({ message }) => message)
}

for (const [what, rules] of [
  ['as they are', RULES],
  [
    'and seen by a later rule',
    `${RULES}SecRule MATCHED_VAR "@rx ." "id:13,phase:2,pass,log,msg:'last %{matched_var}'"`,
  ],
]) {
  test(`rules that are left out would not have matched: partial matches ${what}`, () => {
    fc.assert(
      fc.property(requests, (list) => {
        const fast = wafOf(rules)
        const slow = wafOf(rules, { specialize: 'off' })
        for (const { method, path, query, headers } of list) {
          const line = `${method} ${path}${query}`
          assert.deepEqual(messages(fast, line, headers), messages(slow, line, headers))
        }
      }),
      { numRuns: 150 },
    )
  })
}

test('what a rule matched before it failed is seen by those that look at it, each time', () => {
  const waf = wafOf(`
    SecRule REQUEST_METHOD "@streq POST" "id:1,phase:1,pass,nolog,chain"
      SecRule &REQUEST_HEADERS:X-Size "@eq 0"
    SecRule MATCHED_VAR "@streq POST" "id:2,phase:1,pass,log,msg:'seen'"`)
  const seen = [1, 2, 3].map(() => messages(waf, 'POST /', ['X-Size: 1']))
  assert.deepEqual(seen, [['seen'], ['seen'], ['seen']])
})

test('such rules are found, those that look at something else are not', () => {
  let program: Program | null = null
  send(wafOf(RULES, { onPhase: (one) => void (program = one) }), 'GET /')
  const phases = (program as Program | null)?.phases ?? []
  const steady = phases.flatMap(({ rules, steady: ofPhase }) =>
    rules.flatMap(({ id }, at) => (ofPhase[at] === null || id >= OWN_RULES ? [] : [id])),
  )
  assert.deepEqual(steady, [2, 3, 7, 8, 9, 10, 11, 14, 15])
})
