import { PAYLOAD } from '#signatures/suricata/buffers.ts'
import { isWithin } from '#signatures/suricata/number-range.ts'
import type { ChecksumLayer, PacketCheck, PacketField } from '#signatures/suricata/checks.ts'
import type { RuleHead } from '#signatures/suricata/rule.ts'
import { ICMP, ICMP6, type Packet, TCP, UDP } from './capture/packet.ts'
import { isIpSumRight, isTransportSumRight } from './capture/checksum.ts'
import type { Engine } from './engine.ts'
import { type BufferView, evaluateSections } from './evaluate.ts'
import type { Findings } from './findings.ts'
import type { FlowContext } from './flow-context.ts'
import type { MatchBudget } from './match/section.ts'
import { Subject } from './match/subject.ts'
import { applyTransforms } from './match/transforms.ts'
import type { CompiledRule, Side, Slot } from './program/compiled-rule.ts'
import type { PacketKind } from './program/port-plans.ts'
import { type RuleGroup, addOfSize } from './program/rule-group.ts'
import { firesOnce } from './program/rule-type.ts'

/** What the flow of a packet has come to with it. */
export interface PacketStanding {
  /** Both sides have been heard (TCP: the handshake is over). */
  readonly established: boolean
  /** The packet belongs to a TCP connection whose stream is inspected. */
  readonly inSession: boolean
  /** The bytes of its stream are inspected with this packet, not with a later one. */
  readonly isStreamNow?: boolean
}

/** Rules about packets, over those of all flows: one packet after the other. */
export class PacketInspection {
  readonly #engine: Engine
  readonly #findings: Findings
  /** The packet that is looked at: its flow, direction and standing; null: none is. */
  #context: FlowContext | null = null
  #side: Side = 'request'
  #packet: Packet | null = null
  #standing: PacketStanding = { established: false, inSession: false }
  /** Rules that wait until the bytes of the packet were read. */
  readonly #after: CompiledRule[] = []
  /** So many of `#after` are meant; emptying the list anew for each packet would give its memory back. */
  #afterCount = 0

  constructor(engine: Engine, findings: Findings) {
    this.#engine = engine
    this.#findings = findings
  }

  packet(context: FlowContext, packet: Packet, side: Side, standing: PacketStanding): void {
    const group = context.plan.packet(kindOf(packet, standing), side)
    const direction = context.direction(side)
    direction.packets += 1
    direction.packetBytes += packet.outer === null ? packet.frameBytes : packet.ipBytes
    this.#afterCount = 0
    this.#packet = null
    if (group.size === 0) return
    const { candidates, budget } = this.#engine
    view.set(packet)
    candidates.clear()
    this.#scan(group, packet)
    addOfSize(group, packet.payload.length, context, side, candidates)
    if (candidates.rules.length === 0) return
    candidates.sort()
    this.#context = context
    this.#side = side
    this.#standing = standing
    context.chunkBytes = packet.payload.length
    const { rules } = candidates
    for (let index = 0; index < rules.length; index += 1) {
      const compiled = rules[index]
      if (standing.inSession && !isOnPacket(compiled, standing)) continue
      if (compiled.afterStream) this.#after[this.#afterCount++] = compiled
      else this.#evaluate(compiled, context, packet, budget)
    }
    // Kept no longer than it is needed: a flow stays for a while.
    if (this.#afterCount > 0) this.#packet = packet
    else this.#context = null
  }

  /** The payload is scanned as it is; the other buffers are made. */
  #scan(group: RuleGroup, { payload }: Packet): void {
    const { candidates } = this.#engine
    const { whole } = group
    for (let index = 0; index < whole.length; index += 1) {
      const { slot, prefilter } = whole[index]
      if (slot.buffer === PAYLOAD && slot.transforms.length === 0)
        prefilter.scanBytes(payload, candidates)
      else {
        const text = view.subject(slot)?.text
        if (text !== undefined) prefilter.scan(slot, text, candidates)
      }
    }
  }

  /** The bytes of the newest packet were read: rules that ask what they lead to. */
  afterStream(context: FlowContext): void {
    const packet = this.#packet
    if (this.#afterCount === 0 || packet === null || context !== this.#context) return
    context.chunkBytes = packet.payload.length
    view.set(packet)
    for (let index = 0; index < this.#afterCount; index += 1)
      this.#evaluate(this.#after[index], context, packet, this.#engine.budget)
    this.#packet = null
    this.#context = null
  }

  #evaluate(
    compiled: CompiledRule,
    context: FlowContext,
    packet: Packet,
    budget: MatchBudget,
  ): void {
    const { rule } = compiled
    const side = this.#side
    if (!carries(rule, packet) || !stands(rule, this.#standing, packet)) return
    if (packet.payload.length === 0 && wantsPayload(rule)) return
    const direction = context.direction(side)
    if (direction.hasFiredOnPackets(compiled.index)) return
    if (!context.admits(compiled, side)) return
    const checks = rule.packetChecks
    for (let index = 0; index < checks.length; index += 1)
      if (!packetHolds(checks[index], packet)) return
    if (evaluateSections(compiled, view, budget) !== 'match') return
    if (firesOnce(compiled.type)) direction.fireOnPackets(compiled.index)
    this.#findings.match(compiled, side)
  }
}

/**
 * A packet of a stream is matched by itself when the rule asks for packets; one that asks for a place in the packet or
 * the stream sees the packet first, and the stream when its bytes have reached the receiver.
 */
function isOnPacket(compiled: CompiledRule, standing: PacketStanding): boolean {
  if (compiled.onPackets !== 'without-session') return true
  return compiled.payload === 'both' && standing.isStreamNow === false
}

function kindOf(packet: Packet, standing: PacketStanding): PacketKind {
  if (packet.tcp !== null) return standing.inSession ? 'session' : 'tcp'
  return packet.protocol === UDP ? 'udp' : packet.protocol === TCP ? 'tcp' : 'other'
}

/** "Any size but this" is asked of packets that have a payload. */
function wantsPayload(rule: RuleHead): boolean {
  return rule.flowChecks.some((check) => check.kind === 'dsize' && check.range.negated)
}

function carries(rule: RuleHead, packet: Packet): boolean {
  switch (rule.protocol.transport) {
    case 'tcp':
      return packet.protocol === TCP
    case 'udp':
      return packet.protocol === UDP
    case 'icmp':
      if (rule.protocol.name === 'icmpv4') return packet.protocol === ICMP
      if (rule.protocol.name === 'icmpv6') return packet.protocol === ICMP6
      return packet.protocol === ICMP || packet.protocol === ICMP6
    case 'ip':
      if (rule.protocol.name === 'sctp') return packet.protocol === 132
      if (rule.protocol.name === 'igmp') return packet.protocol === 2
      return rule.protocol.name !== 'arp'
    case 'any':
      return packet.protocol === UDP || packet.protocol === TCP
  }
}

function stands(rule: RuleHead, standing: PacketStanding, packet: Packet): boolean {
  const { state, fragments } = rule.flow
  if (state === 'established' && !standing.established) return false
  if (state === 'not_established' && standing.established) return false
  const isFragment = (packet.fragment & 0x3fff) !== 0
  return fragments === null || (fragments === 'only_frag') === isFragment
}

function packetHolds(check: PacketCheck, packet: Packet): boolean {
  switch (check.kind) {
    case 'flags': {
      if (packet.tcp === null) return false
      return bitsHold(check.mode, packet.tcp.flags & ~check.ignored, check.set)
    }
    case 'fragbits':
      return bitsHold(check.mode, packet.fragment & 0xe000, check.set)
    case 'event':
      return packet.events.includes(check.event)
    case 'ipopts':
      return optionHolds(check.option, packet.ipOptions)
    case 'checksum':
      return sumOf(check.of, packet) === check.isRight
    case 'number': {
      const value = fieldOf(check.field, packet)
      return value !== null && isWithin(check.range, value)
    }
  }
}

function bitsHold(mode: 'exact' | 'any' | 'all' | 'not', bits: number, set: number): boolean {
  switch (mode) {
    case 'exact':
      return bits === set
    case 'any':
      return (bits & set) !== 0
    case 'all':
      return (bits & set) === set
    case 'not':
      return (bits & set) !== set
  }
}

const OPTION_NUMBERS: Readonly<Record<string, number>> = {
  eol: 0,
  nop: 1,
  rr: 7,
  ts: 68,
  sec: 130,
  lsrr: 131,
  lsrre: 131,
  esec: 133,
  satid: 136,
  ssrr: 137,
}

function optionHolds(option: string, present: readonly number[]): boolean {
  return option === 'any' ? present.length > 0 : present.includes(OPTION_NUMBERS[option])
}

/** ICMPv6 "packet too big" (RFC 4443, 3.2). */
const TOO_BIG = 2

/** Whether the sum of this layer is right; null: the packet has no such layer, or no sum. */
function sumOf(of: ChecksumLayer, packet: Packet): boolean | null {
  if (of === 'ipv4') return packet.version === 4 ? isIpSumRight(packet) : null
  const version = of.endsWith('v4') ? 4 : 6
  const protocol = of.startsWith('tcp')
    ? TCP
    : of.startsWith('udp')
      ? UDP
      : version === 4
        ? ICMP
        : ICMP6
  if (packet.version !== version || packet.protocol !== protocol) return null
  return isTransportSumRight(packet)
}

function fieldOf(field: PacketField, packet: Packet): number | null {
  const { tcp, icmp } = packet
  switch (field) {
    case 'ttl':
      return packet.ttl
    case 'tos':
      return packet.version === 4 ? packet.tos : null
    case 'icmpv6.mtu': {
      const { transportHeader } = packet
      const isTooBig = packet.protocol === ICMP6 && icmp !== null && icmp.type === TOO_BIG
      return isTooBig && transportHeader.length >= 8 ? transportHeader.readUInt32BE(4) : null
    }
    case 'id':
      return packet.version === 4 ? packet.id : null
    case 'ip_proto':
      return packet.protocol
    case 'fragoffset':
      return packet.fragment & 0x1fff
    case 'window':
      return tcp === null ? null : tcp.window
    case 'ack':
      return tcp === null ? null : tcp.acknowledgement >>> 0
    case 'seq':
      return tcp === null ? null : tcp.sequence >>> 0
    case 'itype':
      return icmp === null ? null : icmp.type
    case 'icode':
      return icmp === null ? null : icmp.code
    case 'icmp_id':
      return icmp === null ? null : icmp.id
    case 'icmp_seq':
      return icmp === null ? null : icmp.sequence
    case 'tcp.mss':
      return tcp === null || tcp.segmentBytes < 0 ? null : tcp.segmentBytes
    case 'tcp.wscale':
      return tcp === null || tcp.windowScale < 0 ? null : tcp.windowScale
  }
}

/** Buffers of one packet, made when asked for. */
class PacketView implements BufferView {
  #packet: Packet | null = null
  readonly #subjects = new Map<number, Subject | null>()

  set(packet: Packet): void {
    this.#packet = packet
    if (this.#subjects.size > 0) this.#subjects.clear()
  }

  subject(slot: Slot): Subject | null {
    const known = this.#subjects.get(slot.id)
    if (known !== undefined) return known
    const text = this.#packet === null ? null : bufferOf(slot.buffer, this.#packet)
    const made = text === null ? null : new Subject(applyTransforms(text, slot.transforms))
    this.#subjects.set(slot.id, made)
    return made
  }

  instances(slot: Slot): readonly Subject[] | null {
    const subject = this.subject(slot)
    return subject === null ? null : [subject]
  }

  numbers(slot: Slot): readonly number[] | null {
    if (this.#packet === null) return null
    const { vlans } = this.#packet
    return slot.buffer === 'vlan.layers' ? [vlans.length] : vlans
  }
}

/** Packets are looked at one after the other: one view serves all flows. */
const view = new PacketView()

function bufferOf(name: string, packet: Packet): string | null {
  switch (name) {
    case PAYLOAD:
      return packet.payload.length === 0 ? null : packet.payload.toString('latin1')
    case 'ip.src':
      return packet.sourceBytes.toString('latin1')
    case 'ip.dst':
      return packet.destinationBytes.toString('latin1')
    case 'tcp.hdr':
      return packet.tcp === null ? null : packet.transportHeader.toString('latin1')
    case 'udp.hdr':
      return packet.protocol === UDP ? packet.transportHeader.toString('latin1') : null
    case 'ipv4.hdr':
      return packet.version === 4 ? packet.ipHeader.toString('latin1') : null
    case 'ipv6.hdr':
      return packet.version === 6 ? packet.ipHeader.toString('latin1') : null
    case 'icmpv4.hdr':
      return packet.protocol === ICMP ? packet.transportHeader.toString('latin1') : null
    case 'icmpv6.hdr':
      return packet.protocol === ICMP6 ? packet.transportHeader.toString('latin1') : null
    default:
      return null
  }
}
