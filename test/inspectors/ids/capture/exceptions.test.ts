import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type EveRecord, EveRecorder } from '#inspectors/ids/capture/eve/recorder.ts'
import { Replay } from '#inspectors/ids/capture/replay.ts'
import { DEFAULT_CAPTURE_SETTINGS } from '#inspectors/ids/capture/settings.ts'
import {
  type ExceptionPolicies,
  IGNORE_EXCEPTIONS,
} from '#inspectors/ids/configuration/exception-policies.ts'
import { idsOf } from '../drive.ts'

const ETHERNET = 1

/** An Ethernet frame with an IPv4 packet between two hosts; no sums. */
function frame(protocol: 6 | 17, fromClient: boolean, transport: Buffer): Buffer {
  const ip = Buffer.alloc(20)
  ip[0] = 0x45
  ip.writeUInt16BE(20 + transport.length, 2)
  ip[8] = 64
  ip[9] = protocol
  const [source, destination] = fromClient ? [1, 2] : [2, 1]
  Buffer.from([10, 0, 0, source, 10, 0, 0, destination]).copy(ip, 12)
  const head = Buffer.alloc(14)
  head.writeUInt16BE(0x0800, 12)
  return Buffer.concat([head, ip, transport])
}

function tcp(fromClient: boolean, sequence: number, flags: number, text: string): Buffer {
  const header = Buffer.alloc(20)
  header.writeUInt16BE(fromClient ? 40_000 : 80, 0)
  header.writeUInt16BE(fromClient ? 80 : 40_000, 2)
  header.writeUInt32BE(sequence, 4)
  header.writeUInt32BE(1, 8)
  header[12] = 0x50
  header[13] = flags
  header.writeUInt16BE(65_535, 14)
  return frame(6, fromClient, Buffer.concat([header, Buffer.from(text)]))
}

function udp(payload: Buffer): Buffer {
  const header = Buffer.alloc(8)
  header.writeUInt16BE(5000, 0)
  header.writeUInt16BE(53, 2)
  header.writeUInt16BE(8 + payload.length, 4)
  return frame(17, true, Buffer.concat([header, payload]))
}

const ACK = 0x10

function replayed(
  frames: readonly Buffer[],
  policies: Partial<ExceptionPolicies>,
  options: {
    readonly inline?: boolean
    readonly streamMemory?: number
    readonly midstream?: boolean
  } = {},
): readonly EveRecord[] {
  const { inline = true, streamMemory, midstream = false } = options
  const records: EveRecord[] = []
  const recorder = new EveRecorder((record) => records.push(record), { inline, isSilent: false })
  const ids = idsOf('alert ip any any -> any any (content:"needle"; sid:1;)', { packets: true })
  const replay = new Replay(ids, {
    inline,
    observer: recorder,
    settings: {
      ...DEFAULT_CAPTURE_SETTINGS,
      midstream,
      ...(streamMemory === undefined ? {} : { streamMemory }),
    },
    policies: { ...IGNORE_EXCEPTIONS, ...policies },
  })
  for (const [index, bytes] of frames.entries())
    replay.push({ linkType: ETHERNET, bytes, timeMs: 1000 + index })
  replay.end()
  recorder.stats(replay.nowMs, replay.counts)
  return records
}

const reasons = (records: readonly EveRecord[]): readonly unknown[] =>
  records
    .filter(({ event_type }) => event_type === 'drop')
    .map(({ drop }) => (drop as { readonly reason: string }).reason)

const flowOf = (records: readonly EveRecord[]): Record<string, unknown> =>
  records.find(({ event_type }) => event_type === 'flow')?.flow as Record<string, unknown>

const counted = (records: readonly EveRecord[]): unknown =>
  (records[records.length - 1].stats as { readonly exception_policy?: unknown }).exception_policy

const alerts = (records: readonly EveRecord[]): number =>
  records.filter(({ event_type }) => event_type === 'alert').length

describe('a connection without its beginning', () => {
  const frames = [
    tcp(true, 100, ACK, 'needle'),
    tcp(false, 1, ACK, 'answer'),
    tcp(true, 106, ACK, 'needle'),
  ]

  it('is dropped, each packet with its reason and count', () => {
    const records = replayed(frames, { stream_midstream: 'drop-flow' })
    assert.deepEqual(reasons(records), [
      'stream midstream',
      'exception policy flow drop',
      'exception policy flow drop',
    ])
    assert.equal(alerts(records), 0)
    assert.equal(flowOf(records).action, 'drop')
    assert.deepEqual(counted(records), { tcp: { midstream: { drop_flow: 1 } } })
  })

  it('is let pass without any rule, or without being looked at', () => {
    const passed = replayed(frames, { stream_midstream: 'pass-flow' })
    assert.deepEqual([alerts(passed), flowOf(passed).action], [0, 'pass'])
    assert.deepEqual(counted(passed), { tcp: { midstream: { pass_flow: 3 } } })
    const bypassed = replayed(frames, { stream_midstream: 'bypass' })
    assert.deepEqual([alerts(bypassed), flowOf(bypassed).state], [0, 'bypassed'])
  })

  it('is looked at where that is ignored, and where it may be picked up', () => {
    assert.ok(alerts(replayed(frames, {})) > 0)
    const followed = replayed(frames, {}, { midstream: true })
    assert.ok(alerts(followed) > 0)
    assert.deepEqual(flowOf(followed).exception_policy, [
      { target: 'stream_midstream', policy: 'ignore' },
    ])
  })

  it('that is rejected ends also where nothing can be stopped', () => {
    const records = replayed(frames, { stream_midstream: 'reject' }, { inline: false })
    assert.deepEqual(reasons(records), [])
    assert.deepEqual([alerts(records), flowOf(records).action], [0, 'drop'])
  })
})

describe('other exceptions', () => {
  const QUERY = Buffer.from('0001010000010000000000000161076578616d706c650000010001', 'hex')

  it('of memory for streams are met by policy', () => {
    const frames = [tcp(true, 100, ACK, 'x'), tcp(true, 2000, ACK, 'y'.repeat(900))]
    const options = { midstream: true, streamMemory: 100 }
    const records = replayed(frames, { stream_reassembly: 'drop-packet' }, options)
    assert.deepEqual(reasons(records), ['stream reassembly'])
    assert.deepEqual(counted(records), { tcp: { reassembly: { drop_packet: 1 } } })
    assert.deepEqual(reasons(replayed(frames, {}, options)), [])
  })

  it('of a protocol that turns out another are met by policy', () => {
    const frames = [udp(QUERY), udp(Buffer.from('no dns')), udp(QUERY)]
    const records = replayed(frames, { app_layer_error: 'drop-flow' })
    assert.deepEqual(reasons(records), ['applayer error', 'exception policy flow drop'])
    assert.deepEqual(counted(records), { app_layer: { error: { drop_flow: 1 } } })
    assert.deepEqual(reasons(replayed(frames, { app_layer_error: 'pass-packet' })), [])
  })
})
