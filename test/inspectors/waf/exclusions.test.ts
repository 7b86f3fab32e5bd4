import assert from 'node:assert/strict'
import { test } from 'node:test'
import Schema from 'typebox/schema'
import { type WafExclusion, WafSettings } from '#chain/model/chain.ts'
import { coversPath } from '#inspectors/waf/values/exclusions.ts'
import { idsOf, send, wafOf } from './waf-of.ts'

const RULES = `
SecRule ARGS "@contains bad" "id:10,phase:2,pass,msg:'ten',tag:attack"
SecRule ARGS|REQUEST_HEADERS:X-Note "@contains bad" "id:11,phase:2,pass,msg:'eleven',tag:other"
SecRule REQUEST_COOKIES "@contains bad" "id:12,phase:1,pass,msg:'twelve',tag:attack"
`

function idsWith(exclusions: WafExclusion[], line: string, headers: string[] = []): number[] {
  assert.ok(Schema.Compile(WafSettings).Check({ exclusions }), JSON.stringify(exclusions))
  const fast = idsOf(send(wafOf(RULES, { settings: { exclusions } }), line, headers))
  const options = { settings: { exclusions }, gate: 'off', specialize: 'off' } as const
  assert.deepEqual(idsOf(send(wafOf(RULES, options), line, headers)), fast)
  return fast
}

test('a variable is left out for a rule, for a range or for a tag, and for no other rule', () => {
  const line = 'GET /?note=bad'
  assert.deepEqual(idsWith([], line), [10, 11])
  assert.deepEqual(idsWith([{ rule: '10', target: 'ARGS:note' }], line), [11])
  assert.deepEqual(idsWith([{ rule: '10', target: 'ARGS:other' }], line), [10, 11])
  assert.deepEqual(idsWith([{ rule: '1-99', target: 'ARGS:/^no/' }], line), [])
  assert.deepEqual(idsWith([{ tag: 'attack', target: 'ARGS' }], line), [11])
})

test('what a rule still looks at is inspected', () => {
  const exclusions = [{ rule: '10-12', target: 'ARGS:note' }]
  assert.deepEqual(idsWith(exclusions, 'GET /?note=bad&id=bad'), [10, 11])
  assert.deepEqual(idsWith(exclusions, 'GET /?note=bad', ['X-Note: bad']), [11])
  assert.deepEqual(idsWith(exclusions, 'GET /?note=x', ['Cookie: a=bad']), [12])
})

test('an exclusion holds on its path alone, or below it', () => {
  const one = [{ rule: '10', target: 'ARGS:note', path: '/edit' }]
  assert.deepEqual(idsWith(one, 'GET /edit?note=bad'), [11])
  assert.deepEqual(idsWith(one, 'GET /edit/?note=bad'), [10, 11])
  assert.deepEqual(idsWith(one, 'GET /?note=bad'), [10, 11])
  const below = [{ rule: '10', path: '/api/*' }]
  assert.deepEqual(idsWith(below, 'GET /api/?note=bad'), [11])
  assert.deepEqual(idsWith(below, 'GET /api/v1/notes?note=bad'), [11])
  assert.deepEqual(idsWith(below, 'GET /apis?note=bad'), [10, 11])
  assert.deepEqual(
    idsWith([{ tag: 'attack', path: '/r\u{e9}sum\u{e9}' }], 'GET /r%C3%A9sum%C3%A9?note=bad'),
    [11],
  )
})

test('no path that a server may read as another one is excluded', () => {
  const pattern = { text: '/api/', isPrefix: true }
  for (const path of [
    '/api/../admin',
    '/api/..',
    '/api/./x',
    '/api/%2e%2e/admin',
    '/api/..;/admin',
    '/api/\\..\\admin',
    '/api//admin',
    '/api/\0x',
  ]) {
    assert.equal(coversPath(pattern, path), false, path)
  }
  for (const path of ['/api/', '/api/a.b/..c', '/api/\xe9', '/api/.well']) {
    assert.equal(coversPath(pattern, path), true, path)
  }
  const exclusions = [{ rule: '10', path: '/api/*' }]
  assert.deepEqual(idsWith(exclusions, 'GET /api/%2e%2e/admin?note=bad'), [10, 11])
})

test('a rule that configures is run where its exclusion by path does not hold', () => {
  const text = `
    SecAction "id:1,phase:1,pass,nolog,setvar:tx.want=bad"
    SecRule ARGS "@contains %{tx.want}" "id:2,phase:2,pass,msg:'two'"`
  const settings = { exclusions: [{ rule: '1', path: '/open' }] }
  const waf = wafOf(text, { settings })
  assert.deepEqual(idsOf(send(waf, 'GET /?a=bad')), [2])
  assert.deepEqual(idsOf(send(waf, 'GET /?a=worse')), [])
  // Without the variable the operator looks for nothing, which everything contains.
  assert.deepEqual(idsOf(send(waf, 'GET /open?a=worse')), [2])
})

test('ctl adds to what the settings leave out', () => {
  const text = `${RULES}
    SecRule ARGS:more "@streq 1" "id:1,phase:1,pass,nolog,ctl:ruleRemoveTargetById=11;ARGS:note"`
  const waf = wafOf(text, { settings: { exclusions: [{ rule: '10', target: 'ARGS:note' }] } })
  assert.deepEqual(idsOf(send(waf, 'GET /?note=bad')), [11])
  assert.deepEqual(idsOf(send(waf, 'GET /?note=bad&more=1')), [])
  assert.deepEqual(idsOf(send(waf, 'GET /?note=bad')), [11])
})

test('the schema takes neither state, nor lists, nor paths with queries', () => {
  const check = Schema.Compile(WafSettings)
  for (const exclusion of [
    { rule: '10', target: 'TX:score' },
    { rule: '10', target: 'ARGS:a|ARGS:b' },
    { rule: '10', target: '!ARGS:a' },
    { rule: '10', target: 'REQUEST_URI:a' },
    { rule: '10', tag: 'attack' },
    { rule: 'x' },
    { target: 'ARGS' },
    { rule: '10', path: 'api' },
    { rule: '10', path: '/a*b' },
    { rule: '10', path: '/a?b' },
  ]) {
    assert.equal(check.Check({ exclusions: [exclusion] }), false, JSON.stringify(exclusion))
  }
  for (const target of [
    'ARGS',
    'ARGS:a b',
    'REQUEST_HEADERS:X-A',
    'XML:/*',
    'XML://@*',
    'ARGS:/^a\\d+$/',
  ]) {
    assert.ok(check.Check({ exclusions: [{ rule: '10', target }] }), target)
  }
})

test('a selector that is no pattern keeps the chain from loading and is named', () => {
  const settings = { exclusions: [{ rule: '10' }, { rule: '10', target: 'ARGS:/(/' }] }
  assert.throws(() => wafOf(RULES, { settings }), /settings\/exclusions\/1:1:1: error/)
})
