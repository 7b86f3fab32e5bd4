import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { apiEndpoint, wantsColor } from '#signatures/config.ts'

const root = mkdtempSync(join(tmpdir(), 'portcullis-config-'))
after(() => rmSync(root, { recursive: true }))
const file = (name: string, text: string): string => {
  writeFileSync(join(root, name), text)
  return join(root, name)
}
const local = file('local.token', 'local\n')
file('client.json', JSON.stringify({ url: 'http://127.0.0.1:8470', tokenFile: local }))
const here = { PORTCULLIS_DATA: root }
const nowhere = { PORTCULLIS_DATA: join(root, 'nothing') }

test('the local manager is found by its client.json', () => {
  assert.deepEqual(apiEndpoint({}, here), { url: 'http://127.0.0.1:8470', token: 'local' })
})

test('flags win over the environment, the environment over the local manager', () => {
  const environment = {
    ...here,
    PORTCULLIS_URL: 'https://manager.test/',
    PORTCULLIS_TOKEN: ' from-environment ',
  }
  const flags = { url: 'https://flag.test', tokenFile: file('flag.token', 'from-flag') }
  assert.deepEqual(apiEndpoint(flags, environment), {
    url: 'https://flag.test',
    token: 'from-flag',
  })
  assert.deepEqual(apiEndpoint({}, environment), {
    url: 'https://manager.test',
    token: 'from-environment',
  })
})

test("the local manager's token goes to nobody else", () => {
  assert.throws(() => apiEndpoint({ url: 'https://elsewhere.test' }, here), { code: 'USAGE' })
})

test('what is missing or malformed is wrong usage', () => {
  const tokens = { PORTCULLIS_TOKEN: 'x' }
  assert.throws(() => apiEndpoint({}, nowhere), /no manager is known/)
  assert.throws(() => apiEndpoint({ url: 'ftp://x' }, { ...nowhere, ...tokens }), /http or https/)
  assert.throws(() => apiEndpoint({ url: 'http://x' }, nowhere), /no token/)
  const broken = file('broken.token', 'two words\r\nX: y')
  assert.throws(() => apiEndpoint({ url: 'http://x', tokenFile: broken }, nowhere), /token/)
  assert.throws(() => apiEndpoint({ url: 'http://x', tokenFile: '/nonexistent' }, nowhere), /read/)
})

test('a client.json of another form is ignored', () => {
  const folder = mkdtempSync(join(root, 'odd-'))
  writeFileSync(join(folder, 'client.json'), '{"url": 1}')
  assert.throws(() => apiEndpoint({}, { PORTCULLIS_DATA: folder }), /no manager is known/)
})

test('NO_COLOR and a dumb terminal mean no colours', () => {
  assert.deepEqual([{}, { NO_COLOR: '1' }, { NO_COLOR: '' }, { TERM: 'dumb' }].map(wantsColor), [
    true,
    false,
    true,
    false,
  ])
})
