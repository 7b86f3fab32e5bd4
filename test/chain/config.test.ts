import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { describeConfig, loadConfig } from '#chain/config.ts'

const folder = mkdtempSync(join(tmpdir(), 'pcl-config-'))
after(() => rmSync(folder, { recursive: true }))

function file(text: string): string {
  const path = join(folder, 'settings.yaml')
  writeFileSync(path, text)
  return path
}

test('flag over environment over file over default, and each says where it came from', () => {
  const path = file('listen: "127.0.0.1:1"\nalertsMax: 5\nalertsDays: 6\n')
  const environment = { PORTCULLIS_LISTEN: '127.0.0.1:2', PORTCULLIS_ALERTS_MAX: '7' }
  const { config, sources } = loadConfig({ listen: '127.0.0.1:3' }, path, environment)
  assert.equal(config.listen, '127.0.0.1:3')
  assert.equal(config.alertsMax, 7)
  assert.equal(config.alertsDays, 6)
  assert.equal(config.redis, null)
  assert.deepEqual(
    [sources.listen, sources.alertsMax, sources.alertsDays, sources.redis],
    ['flag', 'environment', 'file', 'default'],
  )
})

test('what cannot be is refused with the setting’s name', () => {
  assert.throws(() => loadConfig({ alertsMax: 'many' }, undefined, {}), /alertsMax \(from flag\)/)
  assert.throws(() => loadConfig({ listen: '127.0.0.1' }, undefined, {}), /listen/)
  assert.throws(() => loadConfig({ listen: '127.0.0.1:70000' }, undefined, {}), /above 65535/)
  assert.throws(() => loadConfig({}, file('colour: red\n'), {}), /no setting is called colour/)
  assert.throws(() => loadConfig({}, file('- a\n'), {}), /not a mapping/)
})

test('passwords are not shown', () => {
  const loaded = loadConfig({ redis: 'redis://:hunter2@db' }, undefined, {})
  assert.ok(!describeConfig(loaded).includes('hunter2'))
})
