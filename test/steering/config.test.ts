import assert from 'node:assert/strict'
import { test } from 'node:test'
import { loadConfig, printConfig } from '#steering/config.ts'

test('a flag beats the environment, which beats the default', () => {
  const environment = { PORTCULLIS_WORKERS: '7', PORTCULLIS_MTU: '1450', REDIS_URL: 'redis://r' }
  const { config, sources } = loadConfig({ workers: '3', host: 'h1' }, environment)
  assert.deepEqual([config.workers, sources.workers], [3, 'flag'])
  assert.deepEqual([config.mtu, sources.mtu], [1450, 'environment'])
  assert.deepEqual([config.redis, sources.redis], ['redis://r', 'environment'])
  assert.deepEqual([config.bridge, sources.bridge], ['br-int', 'default'])
})

test('the sockets of the switch are beside its database unless something else is said', () => {
  assert.equal(loadConfig({ host: 'h', ovsdb: 'unix:/a/b/db.sock' }, {}).config.ovsRun, '/a/b')
  assert.equal(loadConfig({ host: 'h', ovsRun: '/c' }, {}).config.ovsRun, '/c')
})

const BAD: readonly [flags: Record<string, string>, why: RegExp][] = [
  [{ host: 'a b' }, /host = "a b" \(flag\)/],
  [{ host: '../x' }, /host/],
  [{ ovsdb: 'tcp:1.2.3.4:6640' }, /ovsdb/],
  [{ bridge: 'br int' }, /bridge/],
  [{ workers: '0' }, /workers = 0/],
  [{ workers: '2x' }, /workers = "2x"/],
  [{ tableBase: '250' }, /tableBase/],
  [{ metrics: '9090' }, /metrics/],
  [{ teardown: 'perhaps' }, /teardown/],
]
for (const [flags, why] of BAD) {
  test(`refuses ${JSON.stringify(flags)} and says where it came from`, () => {
    assert.throws(() => loadConfig({ host: 'h', ...flags }, {}), {
      code: 'CONFIG_INVALID',
      message: why,
    })
  })
}

test('names the environment variable of a bad value', () => {
  assert.throws(() => loadConfig({ host: 'h' }, { PORTCULLIS_MTU: '12' }), /PORTCULLIS_MTU/)
})

test('what is printed has every setting with its source and no password', () => {
  const text = printConfig(loadConfig({ host: 'h', redis: 'rediss://user:secret@r:6379' }, {}))
  assert.match(text, /^host +h {2}\(flag\)$/m)
  assert.match(text, /^redis +rediss:\/\/user:\*\*\*@r:6379 {2}\(flag\)$/m)
  assert.doesNotMatch(text, /secret/)
})
