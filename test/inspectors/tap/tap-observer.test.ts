import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { Replay } from '#inspectors/ids/capture/replay.ts'
import { createIds } from '#inspectors/ids/ids.ts'
import { tapObserver } from '#inspectors/tap/tap-observer.ts'
import { CollectingSink } from '#test/inspectors/chain/scripted-inspector.ts'
import { framed, udpFrame } from '#test/inspectors/datagram/frames.ts'
import { OFFLOAD_HEADER_BYTES } from '#inspectors/datagram/limits.ts'
import { encodeQuestion } from '#test/stage/name-messages.ts'

const ICMP = 1
const RULES = `
alert dns any any -> any any (msg:"name"; dns.query; content:"evil"; sid:1;)
drop icmp any any -> any any (msg:"ping"; itype:8; sid:2;)
`

test('alerts about mirrored packets name their protocol and message, and stop nothing', () => {
  const folder = mkdtempSync(join(tmpdir(), 'portcullis-tap-'))
  try {
    const rules = join(folder, 'tap.rules')
    writeFileSync(rules, RULES)
    const sink = new CollectingSink()
    const context = { tenant: 't', port: 'p', attachment: 'a', chain: 'c', inspector: 'ids' }
    let told = 0
    const observer = tapObserver(sink, context, () => (told += 1))
    const ids = createIds({ mode: 'detect', rulePaths: [rules], packets: true })
    const replay = new Replay(ids, { midstream: true, observer })
    const [client, server] = [
      { address: '10.0.0.9', port: 4000 },
      { address: '10.0.0.5', port: 53 },
    ]
    const ping = Buffer.from([8, 0, 0xf7, 0xfe, 0, 0, 0, 1])
    for (const frame of [
      udpFrame(client, server, encodeQuestion('www.evil.example', 1)),
      framed(client, server, ping, null, ICMP),
    ])
      replay.push({ timeMs: 1000, linkType: 1, bytes: frame.subarray(OFFLOAD_HEADER_BYTES) })
    replay.end()
    assert.deepEqual(sink.summary, ['passed:1', 'passed:2'])
    const [name, echo] = sink.events
    assert.equal(name.connection.protocol, 'udp')
    assert.equal(name.alert.application?.name, 'dns')
    assert.equal(echo.connection.otherProtocol, 'ICMP')
    assert.equal(told, 2)
  } finally {
    rmSync(folder, { recursive: true })
  }
})
