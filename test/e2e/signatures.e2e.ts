import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import type { GuestClient } from '#test/stage/guest-client.ts'
import type { LoadPlan } from '#test/stage/guest-protocol.ts'
import { SERVER, Stage } from '#test/stage/stage.ts'

/** Rule sets are installed, activated and rolled back with the operator's commands, under load. */

const LOAD: LoadPlan = {
  host: SERVER,
  port: 80,
  path: '/',
  concurrency: 8,
  pauseMs: 2,
  timeoutMs: 5000,
  expect: 200,
  maxMs: 120_000,
}
const stage = new Stage()
let client: GuestClient
let folder: string

const rules = (word: string): string => `
SecRuleEngine On
SecRule ARGS "@contains ${word}" "id:880900,phase:2,deny,status:403,log,msg:'${word} is forbidden'"
`

async function ruleFile(name: string, text: string): Promise<string> {
  const path = join(folder, `${name}.conf`)
  await writeFile(path, text)
  return path
}

const statusOf = async (word: string): Promise<number> =>
  (await client.http({ host: SERVER, port: 80, path: `/?q=${word}` })).status

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'portcullis-rules-'))
  await stage.start()
  client = await stage.addWebAndLaptop()
})

after(async () => {
  await stage.stop()
  await rm(folder, { recursive: true, force: true })
})

test('activation under load changes the rules and fails no request; rollback likewise', async () => {
  await stage.installRuleSet('words', await ruleFile('words', rules('apple')))
  await stage.putChain({
    name: 'words',
    inspectors: [{ type: 'waf', mode: 'block', rules: ['words'] }],
    onFailure: 'closed',
  })
  await stage.attach('one', 'web', 'words')
  assert.equal(await statusOf('apple'), 403)
  assert.equal(await statusOf('pear'), 200)

  const stopLoad = await client.load(LOAD)
  await stage.installRuleSet('words', await ruleFile('words', rules('pear')))
  assert.equal(await statusOf('apple'), 200)
  assert.equal(await statusOf('pear'), 403)
  const rolledBack = await stage.cli('signatures', ['rollback', 'words', '--wait'])
  assert.equal(rolledBack.code, 0, rolledBack.stderr)
  assert.equal(await statusOf('apple'), 403)
  const report = await stopLoad()
  assert.deepEqual(report.failures, [])
  assert.ok(report.ok > 100)
})

test('a set that does not load is refused with file, line and column, and nothing changes', async () => {
  const bad = await ruleFile('bad', 'SecRule ARGS "@rx (unclosed" "id:1,phase:2,deny"\n')
  const result = await stage.cli('signatures', ['install', 'words', bad])
  assert.notEqual(result.code, 0)
  assert.match(result.stdout + result.stderr, /bad\.conf:1:\d+/)
  assert.equal(await statusOf('apple'), 403)
})

test('an unknown version is refused', async () => {
  const result = await stage.cli('signatures', ['activate', 'words@0000000000000000'])
  assert.notEqual(result.code, 0)
  assert.match(result.stdout + result.stderr, /0000000000000000/)
})

test('the list names versions and which is in force', async () => {
  const result = await stage.cli('signatures', ['list', '--json'])
  assert.equal(result.code, 0, result.stderr)
  assert.match(result.stdout, /baseline/)
  assert.match(result.stdout, /words/)
})
