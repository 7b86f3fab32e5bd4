import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { after, before, test } from 'node:test'
import { FakeAgent } from '#test/chain/fake-agent.ts'
import { sendAlerts, someAlert } from '#test/chain/alerts/send-alerts.ts'
import { TestManager } from '#test/chain/test-manager.ts'
import { runCommand } from '#test/topology/run-command.ts'
import { waitUntil } from '#test/topology/wait-until.ts'

/** The commands as a person or a script uses them: processes, exit codes, stdout apart from stderr. */

const ENTRY = join(dirname(dirname(dirname(import.meta.dirname))), 'chain/cli/main.ts')
const NODE = [process.execPath, '--disable-warning=ExperimentalWarning', ENTRY]
const manager = new TestManager()
let agent: FakeAgent

const run = (...argv: string[]) =>
  runCommand([...NODE, ...argv, '--data', manager.folder], { timeoutMs: 30_000 })

before(async () => {
  await manager.start()
  agent = new FakeAgent(manager.redisUrl, 'h1', ['iface-web'])
  await agent.start()
})
after(async () => {
  agent.stop()
  await manager.end()
})

test('from nothing to an attachment in force, and back', async () => {
  const add = await run(
    'port',
    'add',
    'web',
    '--network',
    'n',
    '--interface',
    'iface-web',
    '--address',
    '10.0.0.5',
    '2001:db8::5',
  )
  assert.equal(add.code, 0, add.stderr)
  const file = join(manager.folder, 'shop.yaml')
  writeFileSync(file, 'name: shop\ninspectors: []\nonFailure: open\n')
  assert.equal((await run('chain', 'apply', file)).code, 0)
  const shown = await run('chain', 'show', 'shop')
  assert.equal(shown.stdout, 'name: shop\ninspectors: []\nonFailure: open\n')
  const attach = await run(
    'attach',
    'web',
    '--chain',
    'shop',
    '--ports',
    '80,8000-8100',
    '--remote',
    '192.0.2.0/24',
    '--wait',
    '--json',
  )
  assert.equal(attach.code, 0, attach.stderr)
  const attachment = JSON.parse(attach.stdout) as {
    id: string
    classifiers: unknown
    status: { state: string }
  }
  assert.equal(attachment.id, 'web-ingress')
  assert.equal(attachment.status.state, 'realized')
  assert.deepEqual(attachment.classifiers, [
    { protocol: 'tcp', destinationPorts: [80, { from: 8000, to: 8100 }], remote: '192.0.2.0/24' },
  ])
  const status = await run('status')
  assert.equal(status.code, 0, status.stderr)
  assert.match(status.stdout, /web-ingress +default +web +ingress +shop +80,8000-8100 +realized/)
  assert.match(status.stdout, /h1 +live +connected/)
  // oxlint-disable-next-line no-control-regex
  assert.doesNotMatch(status.stdout, /\u001b/)
  const inUse = await run('chain', 'remove', 'shop')
  assert.equal(inUse.code, 1)
  assert.match(inUse.stderr, /attachment web-ingress uses it/)
  assert.equal((await run('detach', 'web-ingress', '--wait')).code, 0)
  assert.equal((await run('chain', 'remove', 'shop')).code, 0)
  assert.equal((await run('port', 'remove', 'web')).code, 0)
  const list = await run('port', 'list', '--json')
  assert.deepEqual(JSON.parse(list.stdout), { items: [] })
})

test('what is not in force in time ends with 3 and the reason', async () => {
  await manager.port('lost', 'default', { interfaceId: 'iface-lost' })
  await manager.chain('empty', 'default')
  const attach = await run('attach', 'lost', '--chain', 'empty', '--wait', '--timeout', '0')
  assert.equal(attach.code, 3)
  assert.match(attach.stderr, /no agent has an interface with iface-id iface-lost/)
  assert.equal(attach.stdout, '')
  const status = await run('status', 'lost-ingress', '--json')
  assert.equal(status.code, 3)
  assert.equal((JSON.parse(status.stdout) as { status: { state: string } }).status.state, 'pending')
})

test('refusals say what, where and why', async () => {
  const attach = await run('attach', 'lost', '--chain', 'nothing', '--ports', '90-80')
  assert.equal(attach.code, 1)
  assert.match(attach.stderr, /\/chain/)
  assert.match(attach.stderr, /reversed/)
})

test('wrong usage ends with 2 and a suggestion, and asks nothing of the API', async () => {
  for (const argv of [
    ['prot'],
    ['attach', 'web'],
    ['attach', 'web', '--chain', 'x', '--ports', 'http'],
    ['alerts', 'list', '--since', 'soon'],
  ]) {
    assert.equal((await run(...argv)).code, 2, argv.join(' '))
  }
  assert.match((await run('prot')).stderr, /Did you mean port\?/)
  const missing = await run('chain', 'apply', join(manager.folder, 'nowhere.yaml'))
  assert.equal(missing.code, 2)
  assert.match(missing.stderr, /nowhere\.yaml: does not exist/)
})

test('no manager there: 5, and what to do', async () => {
  const away = await run('port', 'list', '--url', 'http://127.0.0.1:1')
  assert.equal(away.code, 5)
  assert.match(away.stderr, /portcullis up/)
  const none = await runCommand([...NODE, 'port', 'list', '--data', '/nonexistent'], {
    timeoutMs: 30_000,
  })
  assert.equal(none.code, 5)
})

test('alerts are listed, explained and followed, and no byte of them controls the terminal', async () => {
  const evil = someAlert('evil', 'default', {
    portcullis: {
      matches: [
        {
          variable: 'ARGS:id',
          value: '\u001b]0;owned\u0007',
          offset: 3,
          transformations: ['lowercase'],
        },
      ],
    },
  })
  await sendAlerts(manager.redisUrl, [evil])
  await waitUntil(
    'it is in the inbox',
    async () => (await manager.call('GET /v1/alerts/evil')).status === 200,
  )
  const list = await run('alerts', 'list', '--verdict', 'blocked', '--since', '1h')
  assert.match(list.stdout, /942100 SQL Injection/)
  const show = await run('alerts', 'show', 'request-evil')
  assert.equal(show.code, 0, show.stderr)
  assert.match(show.stdout, /ARGS:id at 3: \\x1b\]0;owned\\x07 after lowercase/)
  assert.equal((await run('alerts', 'show', 'nothing')).code, 1)

  const tail = spawn(NODE[0], [
    ...NODE.slice(1),
    'alerts',
    'tail',
    '--json',
    '--data',
    manager.folder,
  ])
  let out = ''
  let notes = ''
  tail.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()))
  tail.stderr.on('data', (chunk: Buffer) => (notes += chunk.toString()))
  await waitUntil('tail is connected', () => notes.includes('waiting for alerts'))
  await sendAlerts(manager.redisUrl, [someAlert('live', 'default')])
  await waitUntil('tail shows it', () => out.includes('"id":"live"'))
  const ended = new Promise<number | null>((resolve) => tail.once('exit', resolve))
  tail.kill('SIGINT')
  assert.equal(await ended, 130)
})

test('tokens are made, used and revoked', async () => {
  const made = await run('token', 'add', '--tenant', 'acme', '--role', 'analyst')
  assert.equal(made.code, 0, made.stderr)
  const token = made.stdout.trim()
  assert.match(token, /^pcl_/)
  const file = join(manager.folder, 'acme.token')
  writeFileSync(file, made.stdout)
  assert.equal((await run('alerts', 'list', '--token-file', file)).code, 0)
  assert.equal((await run('port', 'list', '--token-file', file)).code, 1)
  assert.equal((await run('token', 'remove', token.split('_')[1])).code, 0)
  assert.equal((await run('alerts', 'list', '--token-file', file)).code, 1)
})
