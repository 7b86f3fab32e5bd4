import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import * as fc from 'fast-check'
import { isIpSumRight, isTransportSumRight } from '#inspectors/ids/capture/checksum.ts'
import { ChecksumWatch } from '#inspectors/ids/capture/checksum-watch.ts'
import { FrameDecoder } from '#inspectors/ids/capture/decode/frame-decoder.ts'
import type { Packet } from '#inspectors/ids/capture/packet.ts'
import { ACK, ipv4, ipv6, SYN, tcp, udp } from '../frames.ts'

const RAW = 101
const ETHERNET = 1

function decoded(frame: Buffer, linkType = RAW): readonly Packet[] {
  return [...new FrameDecoder().decode(linkType, frame, 0)]
}

const ethernet = (type: number, body: Buffer): Buffer =>
  Buffer.concat([Buffer.alloc(12), Buffer.from([type >> 8, type & 0xff]), body])

const u16 = (...values: number[]): Buffer => {
  const bytes = Buffer.alloc(values.length * 2)
  for (const [index, value] of values.entries()) bytes.writeUInt16BE(value, index * 2)
  return bytes
}

const INNER = ipv4(17, udp(1, 2, 'needle'))

describe('frames', () => {
  it('are unwrapped, whatever carries the packet', () => {
    const nsh = Buffer.concat([Buffer.from([0x0f, 0xc2, 2, 1, 0, 0, 1, 255]), INNER])
    const geneve = Buffer.concat([u16(0x0100, 0x0800, 0, 0, 0, 0), INNER])
    const erspan = Buffer.concat([
      u16(0x1000, 0x88be, 0, 1),
      u16(0x1000, 0, 0, 0),
      ethernet(0x0800, INNER),
    ])
    const mpls = Buffer.concat([u16(0x0001, 0x0140), INNER])
    const cases: Readonly<Record<string, readonly [number, Buffer]>> = {
      'VLAN in VLAN': [
        ETHERNET,
        ethernet(0x88a8, Buffer.concat([u16(5, 0x8100, 6, 0x0800), INNER])),
      ],
      MPLS: [ETHERNET, ethernet(0x8847, mpls)],
      PPPoE: [
        ETHERNET,
        ethernet(0x8864, Buffer.concat([Buffer.from([0x11, 0, 0, 1]), u16(60, 0x0021), INNER])),
      ],
      NSH: [ETHERNET, ethernet(0x894f, nsh)],
      'VN tag': [ETHERNET, ethernet(0x8926, Buffer.concat([u16(0, 0, 0x0800), INNER]))],
      'cooked 1': [113, Buffer.concat([Buffer.alloc(14), u16(0x0800), INNER])],
      'cooked 2': [276, Buffer.concat([u16(0x0800), Buffer.alloc(18), INNER])],
      loopback: [0, Buffer.concat([Buffer.from([2, 0, 0, 0]), INNER])],
      HDLC: [104, Buffer.concat([u16(0x0f00, 0x0800), INNER])],
      PPP: [9, Buffer.concat([u16(0xff03, 0x0021), INNER])],
      GRE: [RAW, ipv4(47, Buffer.concat([u16(0, 0x0800), INNER]))],
      ERSPAN: [RAW, ipv4(47, erspan)],
      'IP in IP': [RAW, ipv4(4, INNER)],
      'IP in IPv6': [RAW, ipv6(4, INNER)],
      VXLAN: [
        RAW,
        ipv4(17, udp(9, 4789, Buffer.concat([u16(0x0800, 0, 0, 0), ethernet(0x0800, INNER)]))),
      ],
      Geneve: [RAW, ipv4(17, udp(9, 6081, geneve))],
      Teredo: [RAW, ipv4(17, udp(9, 3544, ipv6(4, INNER)))],
    }
    for (const [name, [linkType, frame]] of Object.entries(cases)) {
      const packets = decoded(frame, linkType)
      const packet = packets.at(-1)
      assert.equal(packet?.payload.toString(), 'needle', name)
      assert.deepEqual(
        packets.flatMap(({ events }) => events),
        [],
        name,
      )
    }
    const [tagged] = decoded(cases['VLAN in VLAN'][1], ETHERNET)
    assert.deepEqual(tagged.vlans, [5, 6])
  })

  it('say what is wrong with them', () => {
    const withOptions = (options: Buffer): Buffer => tcp({ sequence: 1, flags: SYN, options })
    const changed = (bytes: Buffer, at: number, value: number): Buffer => {
      const copy = Buffer.from(bytes)
      copy[at] = value
      return copy
    }
    const fine = tcp({ sequence: 1, flags: SYN })
    const hopByHop = Buffer.from([17, 0, 1, 4, 0, 0, 0, 0])
    const cases: readonly (readonly [string, Buffer, number?])[] = [
      ['ipv4.pkt_too_small', Buffer.from([0x45, 0])],
      ['ipv4.hlen_too_small', changed(fine, 0, 0x44)],
      ['ipv4.trunc_pkt', fine.subarray(0, -1)],
      ['ipv4.iplen_smaller_than_hlen', changed(changed(fine, 3, 5), 2, 0)],
      ['ipv6.pkt_too_small', Buffer.from([0x60, 0])],
      ['ipv6.trunc_pkt', ipv6(17, udp(1, 2, 'x')).subarray(0, -1)],
      ['ipv6.data_after_none_header', ipv6(59, Buffer.from('data'))],
      ['ipv6.hopopts_only_padding', ipv6(0, Buffer.concat([hopByHop, udp(1, 2, 'x')]))],
      ['ipv6.trunc_exthdr', ipv6(0, Buffer.from([17, 9, 1, 4]))],
      ['tcp.pkt_too_small', ipv4(6, Buffer.alloc(10))],
      ['tcp.hlen_too_small', changed(fine, 32, 0xf0)],
      ['tcp.invalid_optlen', changed(fine, 32, 0x40)],
      ['tcp.opt_invalid_len', withOptions(Buffer.from([2, 9, 0, 0]))],
      ['tcp.opt_duplicate', withOptions(Buffer.from([4, 2, 4, 2]))],
      ['udp.hlen_too_small', ipv4(17, Buffer.alloc(4))],
      ['udp.pkt_too_small', changed(ipv4(17, udp(1, 2, 'x')), 25, 99)],
      ['icmpv4.pkt_too_small', ipv4(1, Buffer.alloc(4))],
      ['icmpv4.unknown_type', ipv4(1, Buffer.from([99, 0, 0, 0, 0, 0, 0, 0]))],
      ['gre.pkt_too_small', ipv4(47, Buffer.alloc(2))],
      ['gre.wrong_version', ipv4(47, u16(5, 0x0800))],
      ['ethernet.pkt_too_small', Buffer.alloc(5), ETHERNET],
      ['ethernet.unknown_ethertype', ethernet(0x1234, Buffer.alloc(40)), ETHERNET],
      ['vlan.header_too_small', ethernet(0x8100, Buffer.alloc(2)), ETHERNET],
      ['mpls.header_too_small', ethernet(0x8847, Buffer.alloc(3)), ETHERNET],
      ['nsh.unsupported_version', ethernet(0x894f, Buffer.alloc(8, 0xff)), ETHERNET],
      ['arp.pkt_too_small', ethernet(0x0806, Buffer.alloc(4)), ETHERNET],
      ['ltnull.unsupported_type', Buffer.alloc(8, 9), 0],
      ['chdlc.pkt_too_small', Buffer.alloc(2), 104],
    ]
    for (const [event, frame, linkType] of cases) {
      const events = decoded(frame, linkType).flatMap((packet) => packet.events)
      assert.ok(events.includes(`decoder.${event}`), `${event}: ${events.join()}`)
    }
  })

  it('give one packet for each layer of a tunnel, and count them', () => {
    const decoder = new FrameDecoder()
    const packets = [...decoder.decode(RAW, ipv4(4, ipv4(4, INNER)), 0)]
    assert.deepEqual(
      packets.map(({ depth, protocol }) => [depth, protocol]),
      [
        [0, 4],
        [1, 4],
        [2, 17],
      ],
    )
    assert.deepEqual(
      [decoder.counts.ipv4, decoder.counts.ipv4_in_ipv4, decoder.counts.udp],
      [3, 2, 1],
    )
  })

  it('end where they nest too deep', () => {
    let bytes = INNER
    for (let depth = 0; depth < 40; depth += 1) bytes = ipv4(4, bytes)
    const packets = decoded(bytes)
    assert.ok(packets.length < 40)
    assert.deepEqual(packets.at(-1)?.events, ['decoder.too_many_layers'])
  })

  it('have sums that hold, or do not', () => {
    const [packet] = decoded(tcp({ sequence: 7, flags: ACK, payload: 'odd' }))
    assert.deepEqual([isIpSumRight(packet), isTransportSumRight(packet)], [true, true])
    const broken = tcp({ sequence: 7, flags: ACK, payload: 'odd' })
    broken[broken.length - 1] ^= 1
    const [damaged] = decoded(broken)
    assert.equal(isTransportSumRight(damaged), false)
    assert.equal(new ChecksumWatch('all').isDamaged(damaged), true)
    assert.equal(new ChecksumWatch('none').isDamaged(damaged), false)
    const watch = new ChecksumWatch('auto')
    for (let count = 0; count < 1000; count += 1) watch.isDamaged(damaged)
    assert.equal(watch.isDamaged(damaged), false, 'a host that leaves its sums to the card')
    const [bare] = decoded(ipv4(17, udp(1, 2, 'x')))
    assert.equal(isTransportSumRight(bare), null, 'UDP over IPv4 may have none')
  })

  it('do not throw, whatever the bytes', () => {
    const decoder = new FrameDecoder()
    const linkType = fc.constantFrom(0, 1, 9, 12, 50, 101, 104, 108, 113, 228, 229, 276, 999)
    const start = fc.constantFrom(
      Buffer.alloc(0),
      ethernet(0x0800, ipv4(47, Buffer.alloc(0))),
      ethernet(0x86dd, ipv6(0, Buffer.alloc(0))),
      ethernet(0x8847, Buffer.alloc(0)),
      ethernet(0x894f, Buffer.alloc(0)),
      ethernet(0x8864, Buffer.alloc(0)),
    )
    fc.assert(
      fc.property(linkType, start, fc.uint8Array({ maxLength: 120 }), (type, head, bytes) => {
        for (const packet of decoder.decode(type, Buffer.concat([head, bytes]), 0)) {
          void packet.source.length
          void isTransportSumRight(packet)
          assert.ok(packet.payload.length <= head.length + bytes.length)
        }
      }),
      { numRuns: 3000 },
    )
  })
})
