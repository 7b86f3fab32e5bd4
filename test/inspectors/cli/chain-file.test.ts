import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { ChainFileError, readChainFile } from '#inspectors/cli/chain-file.ts'
import { formatEndpoint, parseEndpoint } from '#inspectors/cli/endpoint.ts'

const folder = mkdtempSync(join(tmpdir(), 'portcullis-chain-'))
mkdirSync(join(folder, 'rules'))
after(() => rmSync(folder, { recursive: true, force: true }))

function write(name: string, text: string): string {
  const file = join(folder, name)
  writeFileSync(file, text)
  return file
}

function problems(text: string, name = 'chain.yaml'): string[] {
  const file = write(name, text)
  try {
    readChainFile(file, '/home')
  } catch (error) {
    assert.ok(error instanceof ChainFileError)
    return error.message.split('\n').map((line) => line.replace(`${file}:`, ''))
  }
  return assert.fail('it was accepted')
}

test('reads JSON and YAML alike; paths are relative to the file, baseline is the checkout’s', () => {
  const json = write(
    'a.json',
    '{"name": "shop", "inspectors": [{"type": "waf", "mode": "block", "rules": ["./rules", "baseline"], "setup": "rules"}], "onFailure": "open"}',
  )
  assert.throws(
    () => readChainFile(json, '/home'),
    /\/inspectors\/0\/setup: rule set "rules" is not known/,
  )
  const yaml = write(
    'a.yaml',
    'name: shop\ninspectors:\n  - type: waf\n    mode: block\n    rules: [./rules, baseline]\nonFailure: open\n',
  )
  const chain = readChainFile(yaml, '/home')
  assert.deepEqual(chain.rulePaths, {
    './rules': join(folder, 'rules'),
    baseline: '/home/signatures/baseline',
  })
  assert.equal(chain.chain.inspectors[0]?.mode, 'block')
})

test('each problem names its field and place', () => {
  const text = `name: shop
inspectors:
  - type: waf
    mode: blok
    rules: [baseline]
    settings:
      paranoia: 9
      color: red
  - type: firewall
    mode: block
    rules: []
extra: 1
`
  assert.deepEqual(problems(text), [
    '1:1: /onFailure: is missing',
    '4:11: /inspectors/0/mode: must be "detect" or "block"',
    '7:17: /inspectors/0/settings/paranoia: must be <= 4',
    '8:14: /inspectors/0/settings/color: unknown field',
    '9:11: /inspectors/1/type: must be "waf" or "ids"',
    '12:8: /extra: unknown field',
  ])
})

test('syntax errors have a place too', () => {
  assert.match(problems('{"name": "a",\n "inspectors": [}', 'b.json')[0] ?? '', /^2:\d+: /)
  assert.match(problems('name: a\nname: b\n')[0] ?? '', /^2:1: Map keys must be unique/)
  assert.match(problems('42')[0] ?? '', /^1:1: \/: must be object/)
  assert.match(problems('')[0] ?? '', /: must be object/)
})

test('unknown rule sets and missing paths say what to do', () => {
  const of = (rule: string): string =>
    problems(
      `name: a\nonFailure: open\ninspectors:\n  - {type: ids, mode: detect, rules: [${rule}]}\n`,
    ).join()
  assert.match(
    of('crs'),
    /^4:\d+: \/inspectors\/0\/rules\/0: rule set "crs" is not known here: say "baseline" or a path/,
  )
  assert.match(of('./none.rules'), /no such file or folder: .*none\.rules/)
})

test('a file that is not there is named', () => {
  assert.throws(
    () => readChainFile('/nowhere/x.yaml', '/home'),
    /^Error: \/nowhere\/x.yaml: ENOENT/,
  )
})

test('endpoints', () => {
  assert.deepEqual(parseEndpoint('127.0.0.1:80', 'x'), { host: '127.0.0.1', port: 80 })
  assert.deepEqual(parseEndpoint('[::1]:80', 'x'), { host: '::1', port: 80 })
  assert.deepEqual(parseEndpoint(':80', 'x'), { host: 'x', port: 80 })
  for (const wrong of ['80', 'a', 'a:b', 'a:70000', '::1:80', '']) {
    assert.equal(parseEndpoint(wrong, 'x'), null, wrong)
  }
  assert.equal(formatEndpoint({ host: '::1', port: 80 }), '[::1]:80')
})
