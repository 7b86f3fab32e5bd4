import assert from 'node:assert/strict'
import { test } from 'node:test'
import { explain } from '#inspectors/waf/explain.ts'
import { memoryFiles } from './waf-of.ts'

const RULES = `
SecRule ARGS|!ARGS:free "@contains x" "id:1,phase:2,deny,t:lowercase,msg:'one'"
SecRule ARGS "@contains y" "id:2,phase:2,deny,chain,msg:'two'"
  SecRule REQUEST_METHOD "@streq PUT"`

const options = {
  mode: 'block',
  rulePaths: ['/r.conf'],
  files: memoryFiles({ '/r.conf': RULES }),
} as const

test('shows the rules that matched and what the asked one saw', () => {
  const request =
    'POST /?a=Y&free=x HTTP/1.1\nHost: shop\nContent-Type: application/x-www-form-urlencoded\n\nb=X'
  const { outcome, hits, asked } = explain(options, Buffer.from(request), 2)
  assert.equal(outcome, 'block 403')
  assert.deepEqual(
    hits.map((hit) => [hit.rule.id, hit.matches[0].variable]),
    [[1, 'ARGS:b']],
  )
  assert.equal(asked?.isInForce, true)
  assert.deepEqual(
    asked.links.map((link) => link.values.map((value) => [value.variable, value.isMatch])),
    [
      [
        ['ARGS:a', false],
        ['ARGS:free', false],
        ['ARGS:b', false],
      ],
      [['REQUEST_METHOD', false]],
    ],
  )
})

test('says when the request never gets as far as the rules', () => {
  const { outcome } = explain(options, Buffer.from('GET / HTTP/1.1\r\nHost : a\r\n\r\n'), null)
  assert.match(outcome, /refused by the parser/)
})

test('says when settings leave the asked rule out', () => {
  const settings = { excludeRules: ['2'] }
  const request = Buffer.from('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
  assert.equal(explain({ ...options, settings }, request, 2).asked?.isInForce, false)
  assert.equal(explain(options, request, 99).asked, null)
})
