import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import * as fc from 'fast-check'
import { FrameDecoder } from '#inspectors/ids/capture/decode/frame-decoder.ts'
import { type EveRecord, EveRecorder } from '#inspectors/ids/capture/eve/recorder.ts'
import { Replay } from '#inspectors/ids/capture/replay.ts'
import type { Ids } from '#inspectors/ids/ids.ts'
import { idsOf } from '../drive.ts'
import { readCapture } from './read-capture.ts'

const SYN = 2
const ACK = 16
const ISN = 0xffff_fff0

/** An Ethernet frame with a VLAN tag, IPv4 and TCP; checksums are left at 0. */
function frame(fromClient: boolean, sequence: number, flags: number, payload: Buffer): Buffer {
  const bytes = Buffer.alloc(18 + 20 + 20)
  bytes.writeUInt16BE(0x8100, 12)
  bytes.writeUInt16BE(0x0800, 16)
  bytes[18] = 0x45
  bytes.writeUInt16BE(40 + payload.length, 20)
  bytes[27] = 6
  const [client, server] = [Buffer.from([10, 0, 0, 1]), Buffer.from([10, 0, 0, 2])]
  ;(fromClient ? client : server).copy(bytes, 30)
  ;(fromClient ? server : client).copy(bytes, 34)
  bytes.writeUInt16BE(fromClient ? 40_000 : 80, 38)
  bytes.writeUInt16BE(fromClient ? 80 : 40_000, 40)
  bytes.writeUInt32BE(sequence >>> 0, 42)
  // The client has seen the SYN/ACK (99), the server the SYN.
  if ((flags & ACK) !== 0) bytes.writeUInt32BE(fromClient ? 100 : (ISN + 1) >>> 0, 46)
  bytes.writeUInt16BE(65_535, 52)
  bytes[50] = 0x50
  bytes[51] = flags
  return Buffer.concat([bytes, payload])
}

/** A pcap file, in either byte order and resolution. */
function pcap(frames: readonly Buffer[], little = true, nanoseconds = false): Buffer {
  const u32 = (value: number): Buffer => {
    const bytes = Buffer.alloc(4)
    if (little) bytes.writeUInt32LE(value >>> 0)
    else bytes.writeUInt32BE(value >>> 0)
    return bytes
  }
  const magic = nanoseconds ? 0xa1b23c4d : 0xa1b2c3d4
  const parts = [u32(magic), u32(0), u32(0), u32(0), u32(65_535), u32(1)]
  for (const bytes of frames)
    parts.push(
      u32(7),
      u32(nanoseconds ? 5_000_000 : 5000),
      u32(bytes.length),
      u32(bytes.length),
      bytes,
    )
  return Buffer.concat(parts)
}

function packets(
  file: Buffer,
): NonNullable<Extract<ReturnType<typeof readCapture>, { ok: true }>>['packets'] {
  const result = readCapture(file)
  assert.ok(result.ok)
  return result.packets
}

/** Records of a replay, statistics left out. */
function replayed(file: Buffer, ids: Ids, inline = false): readonly EveRecord[] {
  const records: EveRecord[] = []
  const observer = new EveRecorder((record) => records.push(record), { inline, isSilent: false })
  const replay = new Replay(ids, { inline, observer })
  for (const packet of packets(file)) replay.push(packet)
  replay.end()
  return records
}

function alertsOf(records: readonly EveRecord[]): readonly number[] {
  return records
    .filter((record) => record.event_type === 'alert')
    .map((record) => (record.alert as { signature_id: number }).signature_id)
    .sort((left, right) => left - right)
}

const HANDSHAKE = [
  frame(true, ISN, SYN, Buffer.alloc(0)),
  frame(false, 99, SYN | ACK, Buffer.alloc(0)),
]
const REQUEST = Buffer.from('GET /evil?a=needle HTTP/1.1\r\nHost: example.test\r\n\r\n')

describe('captures', () => {
  it('are read in both byte orders and resolutions', () => {
    for (const little of [true, false]) {
      for (const nanoseconds of [true, false]) {
        const [packet] = packets(pcap(HANDSHAKE, little, nanoseconds))
        assert.deepEqual([packet.timeMs, packet.linkType, packet.bytes], [7005, 1, HANDSHAKE[0]])
      }
    }
  })

  it('end at a damaged packet, and say so', () => {
    const file = pcap(HANDSHAKE)
    const result = readCapture(file.subarray(0, -1))
    assert.ok(result.ok)
    assert.deepEqual([result.packets.length, result.truncated], [1, true])
    assert.equal(readCapture(Buffer.alloc(40)).ok, false)
  })

  it('are read the same in pieces of any size', () => {
    const block = (type: number, ...parts: readonly Buffer[]): Buffer => {
      const body = Buffer.concat(parts)
      const padded = Buffer.concat([body, Buffer.alloc((4 - (body.length % 4)) % 4)])
      const head = Buffer.alloc(8)
      head.writeUInt32LE(type, 0)
      head.writeUInt32LE(padded.length + 12, 4)
      return Buffer.concat([head, padded, head.subarray(4)])
    }
    const words = (...values: readonly number[]): Buffer => {
      const bytes = Buffer.alloc(values.length * 4)
      for (const [index, value] of values.entries()) bytes.writeUInt32LE(value, index * 4)
      return bytes
    }
    const device = block(1, words(1, 65_535))
    const enhanced = HANDSHAKE.map((bytes, index) =>
      block(6, words(0, 0, 7_005_000 + index, bytes.length, bytes.length), bytes),
    )
    const blocks = Buffer.concat([
      block(0x0a0d0d0a, words(0x1a2b3c4d, 1, 0xffffffff, 0xffffffff)),
      device,
      block(0xbad, Buffer.alloc(3_000_000)),
      ...enhanced,
      block(3, words(HANDSHAKE[0].length), HANDSHAKE[0]),
    ])
    for (const file of [pcap(HANDSHAKE), blocks, blocks.subarray(0, -1)]) {
      const whole = readCapture(file)
      for (const pieceBytes of [1, 7, 4096]) {
        if (pieceBytes === 1 && file.length > 4096) continue
        assert.deepEqual(readCapture(file, pieceBytes), whole)
      }
    }
    const cutBlock = readCapture(Buffer.concat([blocks, block(0xbad, Buffer.alloc(40))]).subarray(0, -4)) // prettier-ignore
    assert.ok(cutBlock.ok && cutBlock.truncated)
    const read = readCapture(blocks)
    assert.ok(read.ok && !read.truncated)
    assert.deepEqual(
      read.packets.map(({ timeMs, bytes }) => [timeMs, bytes]),
      [[7005, HANDSHAKE[0]], [7005.001, HANDSHAKE[1]], [0, HANDSHAKE[0]]], // prettier-ignore
    )
  })

  it('give the connection, the packet and the alert', () => {
    const ids = idsOf('alert http any any -> any 80 (http.uri; content:"/evil"; sid:1;)', {
      packets: true,
    })
    const file = pcap([...HANDSHAKE, frame(true, ISN + 1, ACK, REQUEST)])
    const alerts = (inline: boolean): readonly EveRecord[] =>
      replayed(file, ids, inline).filter(({ event_type }) => event_type === 'alert')
    const [found, ...rest] = alerts(true)
    assert.deepEqual(rest, [])
    assert.deepEqual(
      [found.pcap_cnt, found.direction, found.src_ip, found.dest_ip, found.app_proto],
      [3, 'to_server', '10.0.0.1', '10.0.0.2', 'http'],
    )
    // Nobody acknowledged it: where it is only watched, it is looked at when the flow is over.
    const [late] = alerts(false)
    assert.deepEqual([late.pcap_cnt, late.pkt_src], [undefined, 'stream (flow timeout)'])
  })

  it('give the same alerts however the stream was cut, shuffled and repeated', () => {
    const ids = idsOf(
      'alert http any any -> any any (http.uri; content:"needle"; sid:1;)\n' +
        'alert tcp any any -> any any (flow:to_server; content:"evil"; content:"example"; distance:5; sid:2;)',
      { packets: true },
    )
    const cut = fc.array(fc.integer({ min: 1, max: 20 }), { minLength: 1, maxLength: 6 })
    const order = fc.array(fc.nat(), { maxLength: 20 })
    fc.assert(
      fc.property(cut, order, (lengths, swaps) => {
        const segments: Buffer[] = []
        for (let at = 0, turn = 0; at < REQUEST.length; turn += 1) {
          const length = lengths[turn % lengths.length]
          segments.push(frame(true, ISN + 1 + at, ACK, REQUEST.subarray(at, at + length)))
          at += length
        }
        for (const swap of swaps) segments.push(segments[swap % segments.length])
        segments.sort((left, right) => ((left[45] * 7) % 5) - ((right[45] * 7) % 5))
        const file = pcap([...HANDSHAKE, ...segments])
        assert.deepEqual(alertsOf(replayed(file, ids)), [1, 2])
      }),
      { numRuns: 100 },
    )
  })

  it('do not throw, whatever the bytes', () => {
    const ids = idsOf('alert ip any any -> any any (content:"needle"; sid:1;)', { packets: true })
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.nat(200), (bytes, at) => {
        const file = pcap([...HANDSHAKE, frame(true, ISN + 1, ACK, REQUEST), Buffer.from(bytes)])
        if (at > 23) file[at % file.length] ^= 0xff
        const result = readCapture(file)
        if (result.ok) replayed(file, ids)
        const decoder = new FrameDecoder()
        for (const linkType of [0, 1, 9, 12, 104, 113, 276])
          decoder.decode(linkType, Buffer.from(bytes), 0)
        readCapture(Buffer.concat([Buffer.from([0x0a, 0x0d, 0x0d, 0x0a]), Buffer.from(bytes)]))
      }),
      { numRuns: 300 },
    )
  })
})
