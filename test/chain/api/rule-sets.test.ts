import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { after, before, test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { Redis } from 'ioredis'
import { bundleKey } from '#chain/model/redis-keys.ts'
import { FakeAgent } from '#test/chain/fake-agent.ts'
import { type Answer, secLangBundle, secRule, TestManager } from '#test/chain/test-manager.ts'
import { waitUntil } from '#test/topology/wait-until.ts'

const manager = new TestManager()
let agent: FakeAgent

before(async () => {
  await manager.start()
  await manager.port('web', 'acme')
  agent = new FakeAgent(manager.redisUrl, 'h1', ['iface-acme-web'])
  await agent.start()
})
after(async () => {
  agent.stop()
  await manager.end()
})

async function upload(name: string, rules: string): Promise<Answer> {
  return manager.call(`POST /v1/rule-sets/${name}/versions`, await secLangBundle(rules))
}
const activate = (name: string, version: string, query = ''): Promise<Answer> =>
  manager.call(`POST /v1/rule-sets/${name}/activate${query}`, { version })
const active = async (name: string): Promise<string | null> =>
  (await manager.call(`GET /v1/rule-sets/${name}`)).body.active

test('the same content is the same version', async () => {
  const first = await upload('same', secRule(1, 'apple'))
  assert.equal(first.status, 201, JSON.stringify(first.body))
  assert.equal(first.body.accepted, 1)
  assert.equal(first.body.version, first.body.sha256.slice(0, 16))
  const again = await upload('same', secRule(1, 'apple'))
  assert.equal(again.status, 200)
  assert.equal(again.body.version, first.body.version)
  const { body } = await manager.call('GET /v1/rule-sets/same')
  assert.equal(body.versions.length, 1)
  assert.equal(body.active, null)
  const redis = new Redis(manager.redisUrl.replace('unix:', ''))
  const bundle = await redis.getBuffer(bundleKey(first.body.sha256))
  redis.disconnect()
  assert.equal(createHash('sha256').update(bundle!).digest('hex'), first.body.sha256)
})

test('rejected rules are told with file, line and column, and keep the set from being active', async () => {
  const { status, body } = await upload(
    'mixed',
    `${secRule(1, 'a')}SecRule ARGS "@nonsense" "id:2"\n`,
  )
  assert.equal(status, 201)
  assert.equal(body.accepted, 1)
  assert.equal(body.rejected, 1)
  assert.equal(body.rejections[0].file, 'rules.conf')
  assert.equal(body.rejections[0].line, 2)
  assert.match(body.refusal, /^rules\.conf:2:\d+: /)
  const activation = await activate('mixed', body.version)
  assert.equal(activation.status, 422)
  assert.match(activation.body.detail, /rules\.conf:2:\d+/)
  assert.equal(await active('mixed'), null)
  const chain = await manager.chain('m', 'acme', [
    { type: 'waf', mode: 'block', rules: [`mixed@${body.version}`] },
  ])
  assert.equal(chain.status, 422)
})

test('a set in which nothing loads, and what is no bundle, is refused and not stored', async () => {
  const nothing = await upload('bad', 'SecRule ARGS "@nonsense" "id:2"\n')
  assert.equal(nothing.status, 422)
  assert.equal(nothing.body.code, 'rule-set-refused')
  assert.equal(nothing.body.report.rejections[0].line, 1)
  assert.match(nothing.body.detail, /rules\.conf:1:\d+: /)
  assert.match(nothing.body.errors[0].detail, /^rules\.conf:1:\d+: /)
  for (const bytes of [Buffer.from('hello'), gzipSync('hello'), Buffer.alloc(0)]) {
    const { status } = await manager.call('POST /v1/rule-sets/bad/versions', bytes)
    assert.ok(status === 422 || status === 400, String(status))
  }
  const json = await manager.call('POST /v1/rule-sets/bad/versions', { a: 1 })
  assert.equal(json.status, 415)
  assert.equal((await manager.call('GET /v1/rule-sets/bad')).status, 404)
})

test('a chain may name installed sets only: bare ones that are active, or a version', async () => {
  const { body } = await upload('named', secRule(1, 'apple'))
  const chain = (rules: string) =>
    manager.chain('c', 'acme', [{ type: 'waf', mode: 'block', rules: [rules] }])
  const pointer = '/inspectors/0/rules/0'
  for (const rules of ['nowhere', 'named', 'named@0000000000000000', '/etc/passwd', '../x']) {
    const { status, body } = await chain(rules)
    assert.equal(status, 422, rules)
    assert.equal(body.errors[0].pointer, pointer)
  }
  assert.equal((await chain(`named@${body.version}`)).status, 201)
  await activate('named', body.version)
  assert.equal((await chain('named')).status, 200)
})

test('activation reaches the workers; rollback returns', async () => {
  const apple = (await upload('words', secRule(1, 'apple'))).body
  const pear = (await upload('words', secRule(1, 'pear'))).body
  await activate('words', apple.version)
  await manager.chain('shop', 'acme', [{ type: 'waf', mode: 'block', rules: ['words'] }])
  await manager.attach('one', 'acme', {}, '&wait=realized')
  assert.equal(agent.snapshots.at(-1)!.ruleSets['words'].sha256, apple.sha256)
  const switched = await activate('words', pear.version, '?wait=realized')
  assert.equal(switched.status, 200, JSON.stringify(switched.body))
  assert.equal(switched.body.state, 'realized')
  assert.equal(agent.snapshots.at(-1)!.ruleSets['words'].sha256, pear.sha256)
  const { body } = await manager.call('GET /v1/attachments/one')
  assert.deepEqual(body.status.hosts[0].ruleSets, [`words@${pear.version}`])
  const back = await manager.call('POST /v1/rule-sets/words/rollback?wait=realized')
  assert.equal(back.status, 200)
  assert.equal(back.body.active, apple.version)
  assert.equal(agent.snapshots.at(-1)!.ruleSets['words'].sha256, apple.sha256)
  assert.equal((await manager.call('POST /v1/rule-sets/words/rollback')).status, 409)
})

test('a version that workers refuse is reported and is not active afterwards', async () => {
  const good = (await upload('risky', secRule(1, 'good'))).body
  const poison = (await upload('risky', secRule(1, 'poison'))).body
  await activate('risky', good.version)
  await manager.chain('risk', 'acme', [{ type: 'waf', mode: 'block', rules: ['risky'] }])
  await manager.attach(
    'risk',
    'acme',
    { chain: 'risk', classifiers: [{ protocol: 'tcp', destinationPorts: [81] }] },
    '&wait=realized',
  )
  agent.refused.add(poison.sha256)
  const refused = await activate('risky', poison.version, '?wait=realized')
  assert.equal(refused.status, 422)
  assert.equal(refused.body.code, 'rule-set-refused')
  assert.match(refused.body.detail, /rules\.conf:3:7/)
  assert.equal(await active('risky'), good.version)
  await waitUntil('the good rules are in force again', async () => {
    const { body } = await manager.call('GET /v1/attachments/risk/status')
    return body.state === 'realized'
  })
  // Without waiting too: the refusal comes after the answer.
  const unwaited = await activate('risky', poison.version)
  assert.ok(unwaited.status === 200 || unwaited.status === 422)
  await waitUntil('it is reverted', async () => (await active('risky')) === good.version)
  const { body } = await manager.call('GET /v1/audit?limit=1')
  assert.equal(body.items[0].action, 'revert')
})

test('what does not exist cannot be activated', async () => {
  const unknown = await activate('words', '0000000000000000')
  assert.equal(unknown.status, 404)
  assert.match(unknown.body.detail, /0000000000000000/)
  assert.equal((await activate('nowhere', '0000000000000000')).status, 404)
})
