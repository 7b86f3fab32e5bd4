import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Program } from '#inspectors/waf/compile/program.ts'
import { idsOf, send, wafOf } from './waf-of.ts'

const PARANOIA = `
SecAction "id:1,phase:1,pass,nolog,setvar:tx.level=2"
SecRule &TX:default "@eq 0" "id:2,phase:1,pass,nolog,setvar:tx.default=%{tx.level}"
SecRule TX:default "@lt 2" "id:3,phase:2,pass,nolog,skipAfter:END"
SecRule ARGS "@contains a" "id:4,phase:2,pass,msg:'four'"
SecRule TX:default "@lt 3" "id:5,phase:2,pass,nolog,skipAfter:END"
SecRule ARGS "@contains a" "id:6,phase:2,pass,msg:'six'"
SecMarker END
SecRule ARGS "@contains a" "id:7,phase:2,pass,msg:'seven %{tx.default}'"
`

/** Ids of the rules that are left to run, and whether both ways of running them agree. */
function compare(text: string, line: string): { ids: number[]; left: number[] } {
  let program: Program | null = null
  const fast = wafOf(text, { onPhase: (one) => void (program = one) })
  const slow = wafOf(text, { specialize: 'off' })
  const ids = idsOf(send(fast, line))
  assert.deepEqual(ids, idsOf(send(slow, line)), line)
  const phases = (program as Program | null)?.phases ?? []
  return { ids, left: phases.flatMap((phase) => phase.rules.map((rule) => rule.id)) }
}

test('defaults and gates are worked out, what a gate shuts out is gone', () => {
  const { ids, left } = compare(PARANOIA, 'GET /?x=a')
  assert.deepEqual(ids, [4, 7])
  assert.deepEqual(
    left.filter((id) => id < 100),
    [4, 7],
  )
})

test('a gate that ctl may take away stays, and so does what is behind it', () => {
  const removal = `SecRule ARGS:open "@streq 1" "id:8,phase:1,pass,nolog,ctl:ruleRemoveById=5"`
  assert.deepEqual(compare(removal + PARANOIA, 'GET /?x=a').ids, [4, 7])
  assert.deepEqual(compare(removal + PARANOIA, 'GET /?x=a&open=1').ids, [4, 6, 7])
})

test('a variable that traffic may change is no constant', () => {
  const writes = `SecRule ARGS:raise "@streq 1" "id:8,phase:1,pass,nolog,setvar:tx.default=3"`
  assert.deepEqual(compare(PARANOIA + writes, 'GET /?x=a').ids, [4, 7])
  assert.deepEqual(compare(PARANOIA + writes, 'GET /?x=a&raise=1').ids, [4, 6, 7])
  const dynamic = `
    SecRule ARGS:name "@rx ^(.*)$" "id:8,phase:1,pass,nolog,capture,setvar:tx.%{TX.1}=3"`
  assert.deepEqual(compare(PARANOIA + dynamic, 'GET /?x=a&name=default').ids, [4, 6, 7])
})

test('what was read before it is set is not moved', () => {
  const text = `
    SecRule ARGS:id "@streq %{tx.want}" "id:1,phase:1,pass,msg:'before'"
    SecAction "id:2,phase:1,pass,nolog,setvar:tx.want=7"
    SecRule ARGS:id "@streq %{tx.want}" "id:3,phase:1,pass,msg:'after'"`
  assert.deepEqual(compare(text, 'GET /?id=7').ids, [3])
})

test('a jump into the middle of what another gate skips keeps that part', () => {
  const text = `
    SecAction "id:1,phase:1,pass,nolog,setvar:tx.level=1"
    SecRule ARGS:go "@streq 1" "id:2,phase:1,pass,nolog,skipAfter:MIDDLE"
    SecRule TX:level "@lt 2" "id:3,phase:1,pass,nolog,skipAfter:END"
    SecAction "id:4,phase:1,pass,msg:'four'"
    SecMarker MIDDLE
    SecAction "id:5,phase:1,pass,msg:'five'"
    SecMarker END`
  assert.deepEqual(compare(text, 'GET /').ids, [])
  assert.deepEqual(compare(text, 'GET /?go=1').ids, [5])
})
