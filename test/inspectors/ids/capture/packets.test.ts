import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import * as fc from 'fast-check'
import { FrameDecoder } from '#inspectors/ids/capture/decode/frame-decoder.ts'
import type { OsPolicy } from '#inspectors/ids/capture/os-policy.ts'
import { Defragmenter } from '#inspectors/ids/capture/defragmenter.ts'
import { type EveRecord, EveRecorder } from '#inspectors/ids/capture/eve/recorder.ts'
import { Replay } from '#inspectors/ids/capture/replay.ts'
import { parseDnsMessage, readName } from '#inspectors/ids/dns/message.ts'
import { idsOf } from '../drive.ts'
import { ACK, tcp } from './frames.ts'

const RAW_IP = 101
const UDP = 17
const CLIENT = [10, 0, 0, 1]
const SERVER = [10, 0, 0, 2]

interface Ip {
  readonly protocol: number
  readonly fromClient?: boolean
  readonly id?: number
  /** Flags and offset as on the wire. */
  readonly fragment?: number
  readonly ttl?: number
}

function ipv4(payload: Buffer, ip: Ip): Buffer {
  const header = Buffer.alloc(20)
  header[0] = 0x45
  header.writeUInt16BE(20 + payload.length, 2)
  header.writeUInt16BE(ip.id ?? 0, 4)
  header.writeUInt16BE(ip.fragment ?? 0, 6)
  header[8] = ip.ttl ?? 64
  header[9] = ip.protocol
  const [from, to] = (ip.fromClient ?? true) ? [CLIENT, SERVER] : [SERVER, CLIENT]
  Buffer.from([...from, ...to]).copy(header, 12)
  return Buffer.concat([header, payload])
}

function udp(from: number, to: number, payload: Buffer): Buffer {
  const header = Buffer.alloc(8)
  header.writeUInt16BE(from, 0)
  header.writeUInt16BE(to, 2)
  header.writeUInt16BE(8 + payload.length, 4)
  return Buffer.concat([header, payload])
}

/** Query for the A record of `evil.example`, and its answer. */
const QUESTION = Buffer.from(
  '123401000001000000000000046576696c076578616d706c650000010001', // ....evil.example.
  'hex',
)
const ANSWER = Buffer.from(
  '123481800001000100000000046576696c076578616d706c650000010001c00c000100010000003c000401020304',
  'hex',
)

function replayed(rules: string, frames: readonly Buffer[], inline = false): readonly EveRecord[] {
  const records: EveRecord[] = []
  const observer = new EveRecorder((record) => records.push(record), { inline, isSilent: false })
  const ids = idsOf(rules, { packets: true, mode: inline ? 'block' : 'detect' })
  const replay = new Replay(ids, { inline, observer })
  for (const [index, bytes] of frames.entries())
    replay.push({ linkType: RAW_IP, bytes, timeMs: 1000 + index })
  replay.end()
  return records
}

const sids = (records: readonly EveRecord[]): readonly unknown[] =>
  records
    .filter(({ event_type }) => event_type === 'alert')
    .map(({ alert }) => (alert as { readonly signature_id: number }).signature_id)

describe('packets of a capture', () => {
  it('show their TCP numbers unsigned, to rules and in records', () => {
    const frame = tcp({ sequence: 4_000_000_001, acknowledgement: 3_000_000_002, flags: ACK })
    const rules =
      'drop tcp any any -> any any (seq:4000000001; ack:3000000002; sid:1;)\n' +
      'alert tcp any any -> any any (ack:0; sid:2;)'
    const records = replayed(rules, [frame], true)
    assert.deepEqual(sids(records), [1])
    const drop = records.find(({ event_type: type }) => type === 'drop')?.['drop']
    const { tcpseq, tcpack } = drop as { readonly tcpseq: number; readonly tcpack: number }
    assert.deepEqual([tcpseq, tcpack], [4_000_000_001, 3_000_000_002])
  })

  it('are matched by the rules about packets', () => {
    const ping = ipv4(Buffer.from([8, 0, 0, 0, 0, 7, 0, 1, 0x68, 0x69]), { protocol: 1, ttl: 9 })
    const rules =
      'alert icmp any any -> any any (itype:8; icode:0; icmp_id:7; ttl:<10; content:"hi"; sid:1;)\n' +
      'alert icmp any any -> any any (itype:0; sid:2;)\nalert udp any any -> any any (sid:3;)\n' +
      'alert ip any any -> any any (ip_proto:1; dsize:2; sid:4;)'
    assert.deepEqual(sids(replayed(rules, [ping])), [1, 4])
  })

  it('are put together from fragments, in any order, and then matched', () => {
    const whole = udp(4000, 5000, Buffer.from('a needle that was cut'))
    const parts = [
      ipv4(whole.subarray(0, 16), { protocol: UDP, id: 5, fragment: 0x2000 }),
      ipv4(whole.subarray(16), { protocol: UDP, id: 5, fragment: 2 }),
    ]
    const rule = 'alert udp any 4000 -> any 5000 (content:"needle"; sid:1;)'
    assert.deepEqual(sids(replayed(rule, parts)), [1])
    assert.deepEqual(sids(replayed(rule, [parts[1], parts[0]])), [1])
    assert.deepEqual(sids(replayed(rule, [parts[0]])), [])
  })

  it('let that copy of a fragment win which the receiver takes', () => {
    const whole = (policy: OsPolicy): string | undefined => {
      const fragments = new Defragmenter()
      const push = (offset: number, isLast: boolean, text: string): Buffer | null =>
        fragments.push('k', offset, isLast, Buffer.from(text), 0, policy).whole
      assert.equal(push(0, false, 'aaaaaaaa'), null)
      assert.equal(push(0, false, 'bbbbbbbb'), null)
      return push(8, true, 'c')?.toString()
    }
    assert.equal(whole('first'), 'aaaaaaaac')
    assert.equal(whole('bsd'), 'aaaaaaaac')
    assert.equal(whole('last'), 'bbbbbbbbc')
    assert.equal(whole('linux'), 'bbbbbbbbc')
  })

  it('are found in tunnels, whose ends the record tells', () => {
    const inner = ipv4(udp(1, 2, Buffer.from('needle')), { protocol: UDP })
    const gre = ipv4(Buffer.concat([Buffer.from([0, 0, 8, 0]), inner]), { protocol: 47 })
    const ethernet = Buffer.concat([Buffer.alloc(12), Buffer.from([8, 0]), inner])
    const vxlan = ipv4(
      udp(9, 4789, Buffer.concat([Buffer.from([8, 0, 0, 0, 0, 0, 1, 0]), ethernet])),
      {
        protocol: UDP,
      },
    )
    const rule = 'alert udp any 1 -> any 2 (content:"needle"; sid:1;)'
    for (const [frame, outer] of [
      [gre, 'GRE'],
      [vxlan, 'UDP'],
      [ipv4(inner, { protocol: 4 }), 'IP-in-IP'],
    ] as const) {
      const records = replayed(rule, [frame])
      assert.deepEqual(sids(records), [1], outer)
      const [alert] = records.filter(({ event_type }) => event_type === 'alert')
      assert.equal((alert.tunnel as { readonly proto: string }).proto, outer)
    }
  })

  it('bring DNS to its rules and records', () => {
    const frames = [
      ipv4(udp(4000, 53, QUESTION), { protocol: UDP }),
      ipv4(udp(53, 4000, ANSWER), { protocol: UDP, fromClient: false }),
    ]
    const records = replayed(
      'alert dns any any -> any any (dns.query; content:"evil.example"; bsize:12; sid:1;)\n' +
        'alert dns any any -> any any (dns.answers.rrname; content:"evil"; sid:2;)',
      frames,
    )
    assert.deepEqual(sids(records), [1, 2])
    const [query, answer] = records.filter(({ event_type }) => event_type === 'dns')
    assert.equal((query.dns as { readonly type: string }).type, 'request')
    assert.deepEqual((answer.dns as { readonly grouped: unknown }).grouped, { A: ['1.2.3.4'] })
    const [flow] = records.filter(({ event_type }) => event_type === 'flow')
    assert.deepEqual([flow.app_proto, flow.proto], ['dns', 'UDP'])
  })

  it('have their client where the question comes from, though the answer was seen first', () => {
    const records = replayed('alert dns any any -> any any (dns.query; content:"evil"; sid:1;)', [
      ipv4(udp(53, 4000, ANSWER), { protocol: UDP, fromClient: false }),
      ipv4(udp(4000, 53, QUESTION), { protocol: UDP }),
    ])
    assert.deepEqual(sids(records), [1])
    const [flow] = records.filter(({ event_type }) => event_type === 'flow')
    assert.deepEqual([flow.src_port, flow.dest_port], [4000, 53])
  })

  it('are stopped by a drop: one by a rule about packets, the flow by one about addresses', () => {
    const frames = ['bad', 'good', 'good'].map((text) =>
      ipv4(udp(1, 2, Buffer.from(text)), { protocol: UDP, ttl: text === 'bad' ? 3 : 64 }),
    )
    const drops = (rule: string): readonly unknown[] =>
      replayed(rule, frames, true)
        .filter(({ event_type }) => event_type === 'drop')
        .map(({ drop }) => (drop as { readonly reason: string }).reason)
    assert.deepEqual(drops('drop udp any any -> any any (ttl:3; sid:1;)'), ['rules'])
    assert.deepEqual(drops('drop udp any any -> any any (content:"bad"; sid:1;)'), ['rules'])
    assert.deepEqual(drops('drop udp any any -> any any (sid:1;)'), [
      'rules',
      'flow drop',
      'flow drop',
    ])
  })

  it('never make the decoders throw', () => {
    const seeds = [ANSWER, ipv4(udp(53, 9, ANSWER), { protocol: UDP }), Buffer.alloc(60, 0x60)]
    fc.assert(
      fc.property(
        fc.constantFrom(...seeds),
        fc.uint8Array({ maxLength: 40 }),
        fc.nat(),
        (seed, noise, at) => {
          const bytes = Buffer.from(seed)
          for (const [index, byte] of noise.entries()) bytes[(at + index * 7) % bytes.length] = byte
          parseDnsMessage(bytes)
          readName(bytes, at % bytes.length)
          const decoder = new FrameDecoder()
          for (const linkType of [0, 1, 9, RAW_IP, 104, 113, 276])
            decoder.decode(linkType, bytes, 0)
        },
      ),
      { numRuns: 500 },
    )
  })

  it('end a name whose pointers go round', () => {
    assert.deepEqual(readName(Buffer.from([0xc0, 0x00]), 0), { text: '', end: 2 })
  })
})
