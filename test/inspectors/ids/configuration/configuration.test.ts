import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { BUILT_IN_FLOW_TIMEOUTS, applyFlowTimeout } from '#inspectors/ids/capture/flow-timeouts.ts'
import { Configuration, ConfigurationError } from '#inspectors/ids/configuration/configuration.ts'
import { exceptionPolicies } from '#inspectors/ids/configuration/exception-policies.ts'
import { replaySettings } from '#inspectors/ids/configuration/replay-settings.ts'

let folder = ''

function file(name: string, text: string): string {
  const path = join(folder, name)
  writeFileSync(path, text)
  return path
}

function configured(...settings: readonly string[]): Configuration {
  const configuration = new Configuration()
  for (const setting of settings) configuration.set(setting)
  return configuration
}

describe('a suricata.yaml', () => {
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'configuration-'))
  })
  after(() => rmSync(folder, { recursive: true, force: true }))

  it('is read with what it includes, its own word being stronger', () => {
    file('more.yaml', 'stream:\n  midstream: yes\n  inline: no\n')
    const read = Configuration.read(
      file('a.yaml', '%YAML 1.1\n---\ninclude: more.yaml\nstream:\n  inline: true\n'),
    )
    assert.equal(read.flag('stream.midstream', false), true)
    assert.equal(read.flag('stream.inline', false), true)
  })

  it('that is missing, no YAML or includes itself is refused', () => {
    assert.throws(() => Configuration.read(join(folder, 'none.yaml')), ConfigurationError)
    assert.throws(() => Configuration.read(file('bad.yaml', 'a: [')), ConfigurationError)
    assert.throws(
      () => Configuration.read(file('self.yaml', 'include: self.yaml\n')),
      ConfigurationError,
    )
    assert.throws(
      () => Configuration.read(file('b.yaml', 'include: gone.yaml\n')),
      ConfigurationError,
    )
    Configuration.read(file('b.yaml', 'include: gone.yaml\n'), { skipsMissing: true })
  })

  it('keeps names of the file apart from those of the language', () => {
    const read = Configuration.read(file('p.yaml', '__proto__:\n  flag: yes\nconstructor: 1\n'))
    assert.equal(read.text('__proto__.flag'), 'yes')
    assert.equal(read.text('toString'), null)
    assert.equal(({} as { readonly flag?: unknown }).flag, undefined)
  })

  it('takes single values, also within lists', () => {
    const read = Configuration.read(
      file(
        'l.yaml',
        'outputs:\n  - fast:\n  - eve-log:\n      types: [alert, {anomaly: {types: }}]\n',
      ),
    )
    read.set('outputs.1.eve-log.types.1.anomaly.types.stream=yes')
    read.set('stream.midstream=true')
    const settings = replaySettings(read, { isInline: false })
    assert.deepEqual([...(settings.eve.types ?? [])], ['alert', 'anomaly'])
    assert.equal(settings.eve.anomaly.stream, true)
    assert.equal(settings.capture.midstream, true)
  })

  it('says what is written, and how', () => {
    const { eve } = replaySettings(
      Configuration.read(
        file(
          'e.yaml',
          'outputs:\n  - eve-log:\n      community-id: yes\n      types:\n        - alert:\n            metadata: no\n' +
            '            payload: yes\n            payload-buffer-size: 1kb\n            xff: {enabled: yes, mode: overwrite, deployment: forward}\n' +
            '        - files\n        - http: {enabled: no}\n        - drop: {alerts: yes, flows: all}\n        - dns: {version: 2}\n',
        ),
      ),
      { isInline: true },
    )
    assert.deepEqual([...(eve.types ?? [])], ['alert', 'fileinfo', 'drop', 'dns'])
    assert.deepEqual(
      [eve.alert.applicationLayer, eve.alert.flow, eve.alert.ruleMetadata, eve.alert.payload],
      [false, false, false, true],
    )
    assert.equal(eve.alert.payloadBytes, 1024)
    assert.deepEqual(eve.alert.xff, {
      mode: 'overwrite',
      deployment: 'forward',
      header: 'x-forwarded-for',
    })
    assert.deepEqual(eve.drop, { alerts: true, flows: 'all', verdict: false })
    assert.deepEqual([eve.dns.version, eve.communityIdSeed], [2, 0])
  })

  it('says how long flows are remembered', () => {
    const { capture } = replaySettings(
      configured('flow-timeouts.tcp.closed=5', 'flow-timeouts.tcp.emergency-new=1'),
      { isInline: false, flowTimeouts: BUILT_IN_FLOW_TIMEOUTS },
    )
    assert.deepEqual(capture.flowTimeouts.tcp, {
      new: 30_000,
      established: 300_000,
      closed: 5000,
      bypassed: 100_000,
    })
    assert.equal(applyFlowTimeout(capture.flowTimeouts, 'flow-timeouts.tcp.new', 'soon'), null)
  })

  it('has settings that are not obeyed listed, and others refused', () => {
    const { unsupported } = replaySettings(
      configured('app-layer.protocols.http.enabled=no', 'mpm-algo=ac', 'nonsense.here=1'),
      { isInline: false },
    )
    assert.deepEqual(unsupported, ['app-layer.protocols.http.enabled', 'nonsense.here'])
    for (const setting of [
      'exception-policy=never',
      'detect.guess-applayer-tx=perhaps',
      'app-layer.protocols.tls.encryption-handling=half',
      'app-layer.protocols.http.libhtp.default-config.response-body-limit=much',
    ])
      assert.throws(
        () => replaySettings(configured(setting), { isInline: false }),
        ConfigurationError,
        setting,
      )
    assert.throws(
      () =>
        replaySettings(new Configuration({ 'action-order': ['pass', 'drop'] }), {
          isInline: false,
        }),
      ConfigurationError,
    )
  })
})

describe('exception policies', () => {
  const policies = (
    isInline: boolean,
    midstream: boolean,
    ...settings: readonly string[]
  ): ReturnType<typeof exceptionPolicies> =>
    exceptionPolicies(configured(...settings), { isInline, midstream })

  it('drop in line where nothing is said, the packet where there is no flow', () => {
    assert.deepEqual(policies(true, false), {
      stream_midstream: 'drop-flow',
      stream_memcap: 'drop-flow',
      stream_reassembly: 'drop-flow',
      flow_memcap: 'drop-packet',
      defrag_memcap: 'drop-packet',
      app_layer_error: 'drop-flow',
    })
    assert.deepEqual(new Set(Object.values(policies(false, false))), new Set(['ignore']))
    assert.equal(policies(true, true).stream_midstream, 'ignore')
  })

  it('are those of the master switch unless they have their own', () => {
    const found = policies(
      true,
      false,
      'exception-policy=bypass',
      'stream.midstream-policy=pass-flow',
      'app-layer.error-policy=reject',
    )
    assert.equal(found.stream_midstream, 'pass-flow')
    assert.equal(found.app_layer_error, 'reject')
    assert.equal(found.stream_memcap, 'bypass')
    assert.equal(found.flow_memcap, 'pass-packet')
  })

  it('are refused where they make no sense', () => {
    const own = 'stream.midstream-policy='
    assert.throws(() => policies(true, false, `${own}drop-packet`), ConfigurationError)
    assert.throws(() => policies(true, true, `${own}drop-flow`), ConfigurationError)
    assert.throws(() => policies(false, false, `${own}drop-flow`), ConfigurationError)
    assert.equal(policies(false, false, `${own}reject`).stream_midstream, 'reject')
  })
})
