import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { EveRecorder } from '#inspectors/ids/capture/eve/recorder.ts'
import { Replay } from '#inspectors/ids/capture/replay.ts'
import { ipv4, ipv6, sumOf } from './capture/frames.ts'
import { idsOf } from './drive.ts'

const RAW_IP = 101
const ETHERNET = 1

/** Numbers of the rules that match a packet of a capture. */
function matching(rules: readonly string[], linkType: number, bytes: Buffer): readonly number[] {
  const text = rules.map(
    (options, index) => `alert ip any any -> any any (${options}; sid:${index + 1};)`,
  )
  const found: number[] = []
  const observer = new EveRecorder(
    (record) => {
      if (record.event_type === 'alert')
        found.push((record.alert as { signature_id: number }).signature_id)
    },
    { inline: false, isSilent: false },
  )
  const ids = idsOf(text.join('\n'), { packets: true, mode: 'detect', now: () => 1000 })
  assert.deepEqual(ids.warnings, [])
  const replay = new Replay(ids, { observer })
  replay.push({ linkType, bytes, timeMs: 1000 })
  replay.end()
  return found.toSorted((left, right) => left - right)
}

/** ICMP echo request; its sum is right. */
function echo(): Buffer {
  const icmp = Buffer.from('0800000000010001616263', 'hex')
  icmp.writeUInt16BE(sumOf([icmp]), 2)
  return icmp
}

describe('keywords about packets', () => {
  it('tell right sums from wrong ones', () => {
    const rules = [
      'icmpv4-csum:valid',
      'icmpv4-csum:invalid',
      'ipv4-csum:valid',
      'udpv4-csum:invalid',
    ]
    assert.deepEqual(matching(rules, RAW_IP, ipv4(1, echo())), [1, 3])
    const damaged = echo()
    damaged[9] ^= 0xff
    assert.deepEqual(matching(rules, RAW_IP, ipv4(1, damaged)), [2, 3])
  })

  it('read type of service and the MTU of ICMPv6', () => {
    const packet = ipv4(1, echo())
    packet[1] = 0x88
    assert.deepEqual(matching(['tos:136', 'tos:!136', 'icmpv6.mtu:>0'], RAW_IP, packet), [1])
    const tooBig = Buffer.from('0200000000000500', 'hex') // type 2, MTU 1280
    assert.deepEqual(
      matching(['icmpv6.mtu:1280', 'icmpv6.mtu:<1280', 'tos:0'], RAW_IP, ipv6(58, tooBig)),
      [1],
    )
  })

  it('read VLAN tags and count packets and bytes of the flow', () => {
    const frame = Buffer.concat([
      Buffer.alloc(12),
      Buffer.from('88a800c881000012', 'hex'), // VLAN 200, VLAN 18
      Buffer.from('0800', 'hex'),
      ipv4(1, echo()),
    ])
    const rules = [
      'vlan.id:200,0',
      'vlan.id:18,-1',
      'vlan.id:!200,all',
      'vlan.layers:2',
      'vlan.layers:!2',
      'flow.pkts:toserver,1',
      'flow.bytes:toclient,0',
      `flow.bytes_toserver:${frame.length}`,
      'flow.age:0',
      'flow.age:>0',
    ]
    assert.deepEqual(matching(rules, ETHERNET, frame), [1, 2, 4, 6, 7, 8, 9])
  })
})
