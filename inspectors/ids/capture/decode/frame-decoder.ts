import { Defragmenter } from '../defragmenter.ts'
import type { OsPolicy } from '../os-policy.ts'
import {
  type Carrier,
  ESP,
  GRE,
  ICMP,
  ICMP6,
  IGMP,
  type IpFields,
  type Packet,
  SCTP,
  TCP,
  UDP,
} from '../packet.ts'
import { type DecoderCounts, noDecoderCounts } from './counters.ts'
import { readIpv4, readIpv6 } from './ip.ts'
import { Decoding, noteAll } from './layer.ts'
import {
  checkArp,
  checkPppoeDiscovery,
  type LinkInner,
  NSH_TYPE,
  readBackboneTag,
  readCooked,
  readEthernet,
  readHdlc,
  readLoopback,
  readMpls,
  readNsh,
  readPpp,
  readPppoe,
  readVlan,
  readVnTag,
} from './link.ts'
import { readPlainTcp } from './plain-tcp.ts'
import { readTransport } from './transport.ts'
import { readGre, readUdpTunnel } from './tunnels.ts'

/** LINKTYPE of packets without link layer: what tunnels carry and fragments come to. */
export const RAW_LINK = 12

const ETHERNET_LINK = 1
const NO_VLANS: readonly number[] = []
const IP_IN_IP = 4
const IPV6_IN_IP = 41

/** @returns policy of the host that a packet is for */
export type PolicyOf = (packet: { readonly version: 4 | 6; readonly header: Buffer }) => OsPolicy

/**
 * IP packets out of captured frames: Ethernet with VLAN, VN and backbone tags, PPPoE, MPLS, NSH, Linux cooked captures,
 * PPP, HDLC, raw IP, loopback; IPv4 and IPv6 with options, extension headers and fragments; GRE, ERSPAN, IP in IP, VXLAN,
 * Geneve and Teredo. Nothing is trusted: a damaged layer ends the decoding of the frame and is told by an event.
 */
export class FrameDecoder implements LinkInner {
  readonly counts: DecoderCounts = noDecoderCounts()
  readonly #fragments = new Defragmenter()
  readonly #to = new Decoding(this.counts)
  readonly #policyOf: PolicyOf
  /** Of a frame with one plain packet. */
  readonly #one: Packet[] = []

  constructor(policyOf: PolicyOf = () => 'bsd') {
    this.#policyOf = policyOf
  }

  /** @returns the packets of the frame, the outermost first; valid until the next call */
  decode(linkType: number, frame: Buffer, timeMs: number): readonly Packet[] {
    const to = this.#to
    if (linkType === ETHERNET_LINK) {
      const plain = readPlainTcp(frame, this.counts)
      if (plain !== null) {
        this.#one[0] = plain
        return this.#one
      }
    }
    to.begin(timeMs)
    const carrier: Carrier = {
      frame: { linkType, bytes: frame },
      vlans: NO_VLANS,
      outer: null,
      depth: 0,
      frameBytes: frame.length,
    }
    switch (linkType) {
      case ETHERNET_LINK:
        readEthernet(frame, carrier, to, this)
        break
      case 0:
      case 108:
        readLoopback(frame, carrier, to, this)
        break
      case 9:
      case 50:
        readPpp(frame, carrier, to, this)
        break
      case 12:
      case 14:
      case 101:
        to.counts.raw += 1
        this.ip(frame, carrier)
        break
      case 104:
        readHdlc(frame, carrier, to, this)
        break
      case 113:
        readCooked(frame, 1, carrier, to, this)
        break
      case 276:
        readCooked(frame, 2, carrier, to, this)
        break
      case 228:
        this.ip4(frame, carrier)
        break
      case 229:
        this.ip6(frame, carrier)
        break
      default:
        to.emit(carrier, null, null)
        to.invalid()
    }
    return to.found
  }

  typed(type: number, data: Buffer, carrier: Carrier): void {
    const to = this.#to
    if (!to.enter(carrier)) return
    switch (type) {
      case 0x0800:
        return this.ip4(data, carrier)
      case 0x86dd:
        return this.ip6(data, carrier)
      case 0x8100:
      case 0x88a8:
      case 0x9100:
        return readVlan(data, carrier, to, this)
      case 0x0806:
        checkArp(data, carrier, to)
        return
      case 0x8847:
      case 0x8848:
        return readMpls(data, carrier, to, this)
      case 0x8863:
        return checkPppoeDiscovery(data, carrier, to)
      case 0x8864:
        return readPppoe(data, carrier, to, this)
      case 0x6558:
        return readEthernet(data, carrier, to, this)
      case 0x8926:
        return readVnTag(data, carrier, to, this)
      case 0x88e7:
        return readBackboneTag(data, carrier, to, this)
      case NSH_TYPE:
        return readNsh(data, carrier, to, this)
      default:
        to.counts.unknown_ethertype += 1
        to.emit(carrier, null, null).note('decoder.ethernet.unknown_ethertype')
    }
  }

  ethernet(data: Buffer, carrier: Carrier): void {
    if (this.#to.enter(carrier)) readEthernet(data, carrier, this.#to, this)
  }

  ppp(data: Buffer, carrier: Carrier): void {
    if (this.#to.enter(carrier)) readPpp(data, carrier, this.#to, this)
  }

  ip(data: Buffer, carrier: Carrier): void {
    const version = data.length === 0 ? 0 : data[0] >> 4
    if (version === 4) this.ip4(data, carrier)
    else if (version === 6) this.ip6(data, carrier)
    else this.#to.fault(carrier, 'ipraw.invalid_ip_version')
  }

  ip4(data: Buffer, carrier: Carrier): void {
    if (!this.#to.enter(carrier)) return
    this.#to.counts.ipv4 += 1
    this.#ip(readIpv4(data), carrier)
  }

  ip6(data: Buffer, carrier: Carrier): void {
    if (!this.#to.enter(carrier)) return
    this.#to.counts.ipv6 += 1
    this.#ip(readIpv6(data), carrier)
  }

  #ip({ ip, body, events }: ReturnType<typeof readIpv4>, carrier: Carrier): void {
    const to = this.#to
    if (ip === null || body === null) {
      noteAll(to.emit(carrier, ip, null), events)
      to.invalid()
      return
    }
    const start = to.found.length
    if ((ip.fragment & 0x3fff) === 0) this.#whole(ip, body, carrier)
    else this.#fragment(ip, body, carrier)
    if (events.length > 0) noteAll(to.found[start], events)
  }

  /** A fragment is shown as it is, and the whole packet with the fragment that completes it. */
  #fragment(ip: IpFields, data: Buffer, carrier: Carrier): void {
    const to = this.#to
    const packet = to.emit(carrier, ip, null)
    const isLast = (ip.fragment & 0x2000) === 0
    const layer = ip.version === 4 ? 'ipv4' : 'ipv6'
    if (ip.version === 6 && !isLast && data.length % 8 !== 0) {
      packet.note('decoder.ipv6.frag_invalid_length')
      to.invalid()
      return
    }
    const addresses = ip.header.toString('latin1', ip.version === 4 ? 12 : 8)
    const key = `${addresses.slice(0, ip.version === 4 ? 8 : 32)}${ip.protocol} ${ip.id} ${carrier.vlans.join()}`
    const { whole, event } = this.#fragments.push(
      key,
      (ip.fragment & 0x1fff) * 8,
      isLast,
      Buffer.from(data),
      to.timeMs,
      this.#policyOf(ip),
    )
    if (event !== null) packet.note(`decoder.${layer}.${event}`)
    if (whole === null) return
    const header = wholeHeader(ip, whole.length)
    const frame = { linkType: RAW_LINK, bytes: Buffer.concat([header, whole]) }
    this.#whole({ ...ip, header, fragment: 0, bytes: header.length + whole.length }, whole, {
      ...carrier,
      frame,
      frameBytes: frame.bytes.length,
    })
  }

  #whole(ip: IpFields, data: Buffer, carrier: Carrier): void {
    const to = this.#to
    const { fields, events } = readTransport(ip.protocol, data)
    const packet = to.emit(carrier, ip, fields)
    if (events.length > 0) noteAll(packet, events)
    if (fields === null) to.invalid()
    this.#count(ip, fields === null)
    if (fields === null) return
    switch (ip.protocol) {
      case UDP:
        readUdpTunnel(packet, inside(carrier, packet, fields.payload), to, this)
        return
      case GRE:
        readGre(data, packet, inside(carrier, packet, data), to, this)
        return
      case IP_IN_IP:
      case IPV6_IN_IP:
        this.#ipInIp(ip, packet, data, carrier)
    }
  }

  #ipInIp(ip: IpFields, packet: Packet, data: Buffer, carrier: Carrier): void {
    const to = this.#to
    const isSix = ip.protocol === IPV6_IN_IP
    if (ip.version === 6 && data.length < (isSix ? 40 : 20)) {
      packet.note(`decoder.ipv6.${isSix ? 'ipv6' : 'ipv4'}_in_ipv6_too_small`)
      return
    }
    if (ip.version === 6 && data[0] >> 4 !== (isSix ? 6 : 4)) {
      packet.note(`decoder.ipv6.${isSix ? 'ipv6' : 'ipv4'}_in_ipv6_wrong_version`)
      return
    }
    to.counts[`${isSix ? 'ipv6' : 'ipv4'}_in_ipv${ip.version}`] += 1
    const below = inside(carrier, packet, data)
    if (isSix) this.ip6(data, below)
    else this.ip4(data, below)
  }

  #count(ip: IpFields, isBroken: boolean): void {
    const { counts } = this.#to
    switch (ip.protocol) {
      case TCP:
        counts.tcp += 1
        break
      case UDP:
        counts.udp += 1
        break
      case ICMP:
        if (ip.version === 4) counts.icmpv4 += 1
        break
      case ICMP6:
        if (ip.version === 6) counts.icmpv6 += 1
        break
      case SCTP:
        counts.sctp += 1
        break
      case ESP:
        if (!isBroken) counts.esp += 1
        break
      case IGMP:
        counts.igmp += 1
    }
  }
}

/** What a packet carries through a tunnel is captured as raw IP. */
function inside(carrier: Carrier, packet: Packet, bytes: Buffer): Carrier {
  return {
    frame: { linkType: RAW_LINK, bytes },
    vlans: carrier.vlans,
    outer: packet,
    depth: carrier.depth + 1,
    frameBytes: bytes.length,
  }
}

/** Header of the packet that fragments come to: no fragment any more, and as long as it is. */
function wholeHeader(ip: IpFields, bodyBytes: number): Buffer {
  const header = Buffer.from(ip.header)
  if (ip.version === 4) {
    header.writeUInt16BE(Math.min(0xffff, header.length + bodyBytes), 2)
    header.writeUInt16BE(0, 6)
    header.writeUInt16BE(0, 10)
    let sum = 0
    for (let at = 0; at + 1 < header.length; at += 2) sum += header.readUInt16BE(at)
    while (sum > 0xffff) sum = (sum >> 16) + (sum & 0xffff)
    header.writeUInt16BE(~sum & 0xffff, 10)
  } else {
    header.writeUInt16BE(Math.min(0xffff, bodyBytes), 4)
    header[6] = ip.protocol
  }
  return header
}
