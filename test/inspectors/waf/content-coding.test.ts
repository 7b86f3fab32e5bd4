import assert from 'node:assert/strict'
import { test } from 'node:test'
import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync } from 'node:zlib'
import { idsOf, send, wafOf } from './waf-of.ts'

const FORM = 'Content-Type: application/x-www-form-urlencoded'
const RULES = `SecRule ARGS "@contains attack" "id:1,phase:2,deny,msg:'found'"`

test('coded request bodies are inspected decoded, whatever the coding', () => {
  const waf = wafOf(RULES)
  const body = Buffer.from('a=1&b=an+attack')
  const codings: readonly (readonly [string, Buffer])[] = [
    ['gzip', gzipSync(body)],
    ['deflate', deflateSync(body)],
    ['deflate', deflateRawSync(body)],
    ['br', brotliCompressSync(body)],
    ['gzip, br', brotliCompressSync(gzipSync(body))],
    ['identity', body],
  ]
  for (const [coding, bytes] of codings) {
    const result = send(waf, 'POST /', [FORM, `Content-Encoding: ${coding}`], bytes)
    assert.deepEqual(idsOf(result), [1], coding)
  }
})

test('what cannot be decoded, or would grow beyond the limit, is refused', () => {
  const waf = wafOf(RULES, { settings: { requestBodyLimit: 100_000 } })
  const bomb = gzipSync(Buffer.alloc(1_000_000, 'a'))
  assert.ok(bomb.length < 100_000)
  for (const [coding, bytes] of [
    ['gzip', bomb],
    ['gzip', Buffer.from('not gzip')],
    ['zstd', Buffer.from('unknown')],
    ['gzip, gzip, gzip', gzipSync(gzipSync(gzipSync('a=1')))],
  ] as const) {
    const result = send(waf, 'POST /', [FORM, `Content-Encoding: ${coding}`], bytes)
    assert.equal(result.status, 400, coding)
    assert.deepEqual(idsOf(result), [200_002], coding)
  }
})

test('a coded response body is inspected, and rules that skip coded ones see it decoded', () => {
  const waf = wafOf(`
    SecRule RESPONSE_HEADERS:Content-Encoding "@rx ." "id:1,phase:4,pass,nolog,skipAfter:END"
    SecRule RESPONSE_BODY "@contains secret" "id:2,phase:4,deny,status:502,msg:'leak'"
    SecMarker END`)
  const answer = {
    headers: { 'Content-Type': 'text/html', 'Content-Encoding': 'gzip' },
    encodedBody: gzipSync('a secret').toString('base64'),
  }
  const json = ['Content-Type: application/json']
  const result = send(waf, 'POST /reflect', json, JSON.stringify(answer))
  assert.equal(result.status, 502)
})

test('a response beyond its limit is inspected as far as the limit and then passes', () => {
  const waf = wafOf(`SecRule RESPONSE_BODY "@contains secret" "id:1,phase:4,deny,status:502"`, {
    settings: { responseBodyLimit: 20 },
  })
  const reflect = (body: string) =>
    send(waf, 'POST /reflect', ['Content-Type: application/json'], JSON.stringify({ body }))
  assert.equal(reflect(`secret${'x'.repeat(100)}`).status, 502)
  assert.equal(reflect(`${'x'.repeat(100)}secret`).status, 200)
})
