import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import * as fc from 'fast-check'
import { noDecoderCounts } from '#inspectors/ids/capture/decode/counters.ts'
import { FrameDecoder } from '#inspectors/ids/capture/decode/frame-decoder.ts'
import { readPlainTcp } from '#inspectors/ids/capture/decode/plain-tcp.ts'
import type { Packet } from '#inspectors/ids/capture/packet.ts'
import { ACK, tcp } from '../frames.ts'

const RAW = 101
const LINK = Buffer.from([...Buffer.alloc(12), 0x08, 0x00])

/** All that can be asked of a packet, but for its frame. */
const partsOf = (packet: Packet): readonly unknown[] => [
  [packet.version, packet.protocol, packet.sourcePort, packet.destinationPort, packet.isSound],
  [packet.ttl, packet.tos, packet.id, packet.fragment, packet.ipBytes, packet.depth],
  [packet.tcp, packet.icmp, packet.vlans, packet.ipOptions, packet.outer, packet.events],
  [packet.source, packet.destination],
  [packet.payload, packet.ipHeader, packet.transportHeader, packet.transportBytes].map((bytes) =>
    bytes.toString('hex'),
  ),
  [packet.sourceBytes, packet.destinationBytes].map((bytes) => bytes.toString('hex')),
]

/** A whole packet, changed, cut and padded here and there. */
const frames = fc
  .record({
    payload: fc.uint8Array({ maxLength: 30 }),
    options: fc.constantFrom(
      '',
      '020405b4',
      '01010101',
      '0101080a0000000100000002',
      '02030000',
      '020405b4020405b4',
    ),
    changes: fc.array(fc.tuple(fc.nat({ max: 60 }), fc.nat({ max: 255 })), { maxLength: 2 }),
    cut: fc.nat({ max: 3 }),
    padding: fc.nat({ max: 6 }),
  })
  .map(({ payload, options, changes, cut, padding }) => {
    const body = Buffer.from(payload)
    const ip = tcp({ sequence: 4_000_000_000, acknowledgement: 7, flags: ACK, payload: body, options: Buffer.from(options, 'hex') }) // prettier-ignore
    for (const [at, value] of changes) if (at < ip.length) ip[at] = value
    const end = Math.max(0, ip.length - cut)
    return Buffer.concat([LINK, ip.subarray(0, end), Buffer.alloc(cut === 0 ? padding : 0)])
  })

describe('plain TCP packets', () => {
  it('are what reading layer by layer makes of them', () => {
    let plain = 0
    fc.assert(
      fc.property(frames, (frame) => {
        const packet = readPlainTcp(frame, noDecoderCounts())
        if (packet === null) return
        plain += 1
        const layered = [...new FrameDecoder().decode(RAW, frame.subarray(LINK.length), 0)]
        assert.equal(layered.length, 1)
        assert.deepEqual(partsOf(packet), partsOf(layered[0]))
        assert.equal(packet.frame.bytes, frame)
        assert.equal(packet.frameBytes, frame.length)
      }),
      { numRuns: 3000 },
    )
    assert.ok(plain > 200, `only ${plain} frames were plain`)
  })

  it('are not those with a fault, a tag, options of IP, or cut', () => {
    const frame = Buffer.concat([LINK, tcp({ sequence: 1, flags: ACK, payload: 'x' })])
    const counts = noDecoderCounts()
    const changed = (at: number, value: number): Buffer => {
      const copy = Buffer.from(frame)
      copy[at] = value
      return copy
    }
    assert.notEqual(readPlainTcp(frame, counts), null)
    assert.deepEqual([counts.ethernet, counts.ipv4, counts.tcp], [1, 1, 1])
    for (const other of [
      changed(12, 0x81),
      changed(14, 0x46),
      changed(20, 0x20),
      changed(21, 1),
      changed(23, 17),
      changed(46, 0x40),
      changed(46, 0xf0),
      frame.subarray(0, -1),
      Buffer.concat([LINK, tcp({ sequence: 1, flags: ACK, options: Buffer.from([2, 3, 0, 0]) })]),
    ])
      assert.equal(readPlainTcp(other, counts), null)
    assert.equal(counts.tcp, 1)
  })
})
