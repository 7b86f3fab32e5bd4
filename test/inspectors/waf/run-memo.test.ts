import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import type { Program } from '#inspectors/waf/compile/program.ts'
import { alertsOf, send, wafOf } from './waf-of.ts'

/** Rows of rules over TX, with values of the traffic in them; what they made of TX is told at the end. */
const RULES = `
SecRule ARGS:a "@rx ^(\\d)(\\w*)$" "id:1,phase:1,pass,nolog,capture,setvar:tx.found=%{tx.1},setvar:tx.rest=%{tx.2}"
SecRule REQUEST_HEADERS_NAMES "@rx ^(x-.*)$" "id:2,phase:1,pass,msg:'listed',t:lowercase,capture,setvar:'tx.seen_%{tx.1}=/%{tx.1}/',setvar:tx.names=+1,chain"
  SecRule TX:/^seen_/ "@rx x-bad" "setvar:tx.score=+5"
SecRule TX:found "@ge 3" "id:3,phase:1,pass,nolog,setvar:tx.score=+%{tx.found}"
SecAction "id:4,phase:1,pass,nolog,setvar:tx.total=+%{tx.score},setvar:tx.rows=+1"
SecRule TX:total "@ge 8" "id:5,phase:1,pass,nolog,skipAfter:HIGH"
SecRule TX:names "@ge 2" "id:6,phase:1,pass,nolog,setvar:tx.total=+1,setvar:tx.%{tx.rest}=9"
SecMarker HIGH
SecRule TX:total "@ge 3" "id:7,phase:2,pass,log,msg:'total %{tx.total} of %{matched_var_name}'"
SecRule TX:rows "@streq 1" "id:8,phase:2,pass,nolog,setvar:tx.more=1,chain"
  SecRule TX:rest "@streq ab" "setvar:tx.more=+2"
SecRule MATCHED_VAR "@rx ." "id:9,phase:2,pass,log,msg:'last %{matched_var} %{matched_var_name}'"
SecAction "id:10,phase:2,pass,log,msg:'%{tx.found}|%{tx.rest}|%{tx.score}|%{tx.total}|%{tx.names}|%{tx.more}|%{tx.0}|%{tx.ab}'"
SecRule TX:/^seen_/ "@rx ." "id:11,phase:2,pass,log,msg:'%{matched_var_name} %{matched_var}'"
SecRule TX "@rx ^9$" "id:12,phase:2,pass,log,msg:'%{matched_var_name}'"
`

const requests = fc.array(
  fc.record({
    a: fc.constantFrom('', '1', '3ab', '4', '9zz', 'x'),
    headers: fc.array(fc.constantFrom('x-one: 1', 'X-Two: 2', 'x-bad: 3', 'Accept: 4'), {
      maxLength: 3,
    }),
  }),
  { minLength: 2, maxLength: 8 },
)

test('rows of rules over TX do what they would have done one by one, whatever came before', () => {
  fc.assert(
    fc.property(requests, (list) => {
      const fast = wafOf(RULES)
      const slow = wafOf(RULES, { specialize: 'off' })
      for (const { a, headers } of list) {
        const [quick, plain] = [fast, slow].map((waf) =>
          alertsOf(send(waf, `GET /?a=${a}`, headers)).map(({ message }) => message),
        )
        assert.deepEqual(quick, plain)
      }
    }),
    { numRuns: 150 },
  )
})

test('such rows are found, also with values of a group before them', () => {
  let program: Program | null = null
  send(wafOf(RULES, { onPhase: (one) => void (program = one) }), 'GET /')
  const phases = (program as Program | null)?.phases ?? []
  const rows = phases.flatMap(({ rules, txRuns }) =>
    txRuns.flatMap((run, at) =>
      run === null ? [] : [rules.slice(at, run.end).map((rule) => rule.id)],
    ),
  )
  assert.deepEqual(rows, [[2], [3, 4, 5, 6], [7, 8], [10, 11]])
})

test('what a row set is not changed for the next by what comes after it', () => {
  const waf = wafOf(`
    SecRule REQUEST_HEADERS_NAMES "@rx ^x-" "id:1,phase:1,pass,nolog,capture,setvar:'tx.list_%{tx.0}=1',chain"
      SecRule TX:/^list_/ "@streq 2"
    SecRule ARGS:more "@rx ^(.+)$" "id:2,phase:1,pass,nolog,capture,setvar:'tx.list_%{tx.1}=2'"
    SecRule &TX:/^list_/ "@ge 0" "id:3,phase:1,pass,log,msg:'%{matched_var}'"`)
  const counts = ['', '?more=b', '', '?more=c'].map(
    (query) => alertsOf(send(waf, `GET /${query}`, ['x-a: 1']))[0].message,
  )
  assert.deepEqual(counts, ['1', '2', '1', '2'])
})
