import assert from 'node:assert/strict'
import { test } from 'node:test'
import { inspectorsConfig } from '#inspectors/config.ts'

test('defaults without an environment; what is no drain time is refused', () => {
  const config = inspectorsConfig({})
  assert.equal(config.drainMs, 10_000)
  assert.ok(config.workers >= 1 && config.home.length > 1)
  assert.equal(inspectorsConfig({ PORTCULLIS_DRAIN_MS: '0', PORTCULLIS_HOME: '/x' }).home, '/x')
  for (const wrong of ['-1', 'soon', '1.5', '99999999']) {
    assert.throws(() => inspectorsConfig({ PORTCULLIS_DRAIN_MS: wrong }), RangeError)
  }
})
