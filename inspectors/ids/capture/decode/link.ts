import type { Carrier } from '../packet.ts'
import { type Decoding, MAX_VLANS } from './layer.ts'
import type { Inner } from './tunnels.ts'

/** What is behind the MAC addresses of a frame, a tag or a tunnel. */
export interface LinkInner extends Inner {
  ip4(data: Buffer, carrier: Carrier): void
  ip6(data: Buffer, carrier: Carrier): void
}

export function readEthernet(data: Buffer, carrier: Carrier, to: Decoding, inner: LinkInner): void {
  to.counts.ethernet += 1
  if (data.length < 14) return to.fault(carrier, 'ethernet.pkt_too_small')
  inner.typed(data.readUInt16BE(12), data.subarray(14), carrier)
}

/** Linux cooked capture v1 and v2. */
export function readCooked(
  data: Buffer,
  version: 1 | 2,
  carrier: Carrier,
  to: Decoding,
  inner: LinkInner,
): void {
  const bytes = version === 1 ? 16 : 20
  to.counts[version === 1 ? 'sll' : 'sll2'] += 1
  if (data.length < bytes)
    return to.fault(carrier, version === 1 ? 'sll.pkt_too_small' : 'sll2.pkt_too_small')
  inner.typed(data.readUInt16BE(version === 1 ? 14 : 0), data.subarray(bytes), carrier)
}

/** BSD loopback: an address family in the byte order of the host that captured. */
export function readLoopback(data: Buffer, carrier: Carrier, to: Decoding, inner: LinkInner): void {
  to.counts.null += 1
  if (data.length < 4) return to.fault(carrier, 'ltnull.pkt_too_small')
  const family = data[0] === 0 ? data.readUInt32BE(0) : data.readUInt32LE(0)
  if (family === 2) inner.ip4(data.subarray(4), carrier)
  else if (family === 10 || family === 24 || family === 28 || family === 30)
    inner.ip6(data.subarray(4), carrier)
  else to.fault(carrier, 'ltnull.unsupported_type')
}

export function readHdlc(data: Buffer, carrier: Carrier, to: Decoding, inner: LinkInner): void {
  to.counts.chdlc += 1
  if (data.length < 4) return to.fault(carrier, 'chdlc.pkt_too_small')
  inner.typed(data.readUInt16BE(2), data.subarray(4), carrier)
}

const PPP_IP = 0x0021
const PPP_IPV6 = 0x0057
const PPP_VJ_UNCOMPRESSED = 0x002f
/** Network protocols of PPP that carry nothing of ours. */
const PPP_OTHER = new Set([
  0x0023, 0x0025, 0x0027, 0x0029, 0x002b, 0x002d, 0x0031, 0x0033, 0x0035, 0x003d, 0x003f, 0x0041,
  0x0043, 0x0045, 0x0047, 0x0049, 0x004b, 0x004d, 0x00c1, 0x0201, 0x0231, 0x8021, 0x8023, 0x8025,
  0x8029, 0x802b, 0x8031, 0x8057, 0x8281, 0x80fd, 0x80fb, 0xc021, 0xc023, 0xc025, 0xc223,
])

/** PPP (RFC 1661): address, control and the first byte of the protocol may be left out. */
export function readPpp(data: Buffer, carrier: Carrier, to: Decoding, inner: LinkInner): void {
  to.counts.ppp += 1
  if (data.length < 4) return to.fault(carrier, 'ppp.pkt_too_small')
  let at = data[0] === 0xff && data[1] === 3 ? 2 : 0
  const isShort = (data[at] & 1) === 1
  const protocol = isShort ? data[at] : data.readUInt16BE(at)
  at += isShort ? 1 : 2
  const body = data.subarray(at)
  switch (protocol) {
    case PPP_VJ_UNCOMPRESSED:
    case PPP_IP:
      if (body.length < 20)
        return to.fault(
          carrier,
          protocol === PPP_IP ? 'ppp.ip4_pkt_too_small' : 'ppp.vju_pkt_too_small',
        )
      if (body[0] >> 4 === 4) inner.ip4(body, carrier)
      return
    case PPP_IPV6:
      if (body.length < 40) return to.fault(carrier, 'ppp.ip6_pkt_too_small')
      return inner.ip6(body, carrier)
    default:
      to.fault(carrier, PPP_OTHER.has(protocol) ? 'ppp.unsup_proto' : 'ppp.wrong_type')
  }
}

/** PPPoE session (RFC 2516): version and type, code 0, session, length, PPP protocol. */
export function readPppoe(data: Buffer, carrier: Carrier, to: Decoding, inner: LinkInner): void {
  to.counts.pppoe += 1
  if (data.length < 8) return to.fault(carrier, 'pppoe.pkt_too_small')
  if (data[1] !== 0) return to.fault(carrier, 'pppoe.wrong_code')
  readPpp(data.subarray(6), carrier, to, inner)
}

const PPPOE_CODES = new Set([0x09, 0x07, 0x19, 0x65, 0xa7])

/** PPPoE discovery carries tags and no packet. */
export function checkPppoeDiscovery(data: Buffer, carrier: Carrier, to: Decoding): void {
  to.counts.pppoe += 1
  if (data.length < 6) return to.fault(carrier, 'pppoe.pkt_too_small')
  if (!PPPOE_CODES.has(data[1])) return to.fault(carrier, 'pppoe.wrong_code')
  const length = data.readUInt16BE(4)
  if (length > data.length - 6) return to.fault(carrier, 'pppoe.malformed_tags')
  for (let at = 6; at < 6 + length;) {
    if (at + 4 > 6 + length) return to.fault(carrier, 'pppoe.malformed_tags')
    at += 4 + data.readUInt16BE(at + 2)
    if (at > 6 + length) return to.fault(carrier, 'pppoe.malformed_tags')
  }
}

/** IEEE 802.1Q; up to three tags are stepped over. */
export function readVlan(data: Buffer, carrier: Carrier, to: Decoding, inner: LinkInner): void {
  const { length } = carrier.vlans
  if (length === 0) to.counts.vlan += 1
  else if (length === 1) to.counts.vlan_qinq += 1
  else if (length === 2) to.counts.vlan_qinqinq += 1
  if (data.length < 4) return to.fault(carrier, 'vlan.header_too_small')
  if (length >= MAX_VLANS) return to.fault(carrier, 'vlan.too_many_layers')
  const vlan = data.readUInt16BE(0) & 0x0fff
  const vlans = [...carrier.vlans, vlan]
  inner.typed(data.readUInt16BE(2), data.subarray(4), { ...carrier, vlans })
}

const EXPLICIT_NULL_4 = 0
const ROUTER_ALERT = 1
const EXPLICIT_NULL_6 = 2
const IMPLICIT_NULL = 3
const FIRST_FREE_LABEL = 16

/** MPLS label stack (RFC 3032); what it carries is told by its first nibble. */
export function readMpls(data: Buffer, carrier: Carrier, to: Decoding, inner: LinkInner): void {
  to.counts.mpls += 1
  let at = 0
  let label = 0
  for (let isBottom = false; !isBottom; at += 4) {
    if (at + 4 > data.length) return to.fault(carrier, 'mpls.header_too_small')
    label = data.readUInt32BE(at) >>> 12
    isBottom = (data[at + 2] & 1) === 1
    if (label === IMPLICIT_NULL) return to.fault(carrier, 'mpls.bad_label_implicit_null')
    if (label === ROUTER_ALERT && isBottom) return to.fault(carrier, 'mpls.bad_label_router_alert')
  }
  const body = data.subarray(at)
  if (label === EXPLICIT_NULL_4) return inner.ip4(body, carrier)
  if (label === EXPLICIT_NULL_6) return inner.ip6(body, carrier)
  if (label < FIRST_FREE_LABEL && label !== ROUTER_ALERT)
    return to.fault(carrier, 'mpls.bad_label_reserved')
  if (body.length < 20) return to.fault(carrier, 'mpls.pkt_too_small')
  const nibble = body[0] >> 4
  if (nibble === 4) inner.ip4(body, carrier)
  else if (nibble === 6) inner.ip6(body, carrier)
  else if (nibble === 0) inner.ethernet(body.subarray(4), carrier)
  else inner.ethernet(body, carrier)
}

/** Network Service Header (RFC 8300). */
export function readNsh(data: Buffer, carrier: Carrier, to: Decoding, inner: LinkInner): void {
  to.counts.nsh += 1
  if (data.length < 8) return to.fault(carrier, 'nsh.header_too_small')
  if (data[0] >> 6 !== 0) return to.fault(carrier, 'nsh.unsupported_version')
  const bytes = (data[1] & 0x3f) * 4
  const metadata = data[2] & 15
  if (bytes < 8 || bytes > data.length || (metadata === 1 && bytes !== 24))
    return to.fault(carrier, 'nsh.bad_header_length')
  if (metadata === 0) return to.fault(carrier, 'nsh.reserved_type')
  if (metadata > 2) return to.fault(carrier, 'nsh.unsupported_type')
  const body = data.subarray(bytes)
  switch (data[3]) {
    case 1:
      return inner.ip4(body, carrier)
    case 2:
      return inner.ip6(body, carrier)
    case 3:
      return inner.ethernet(body, carrier)
    case 4:
      return inner.typed(NSH_TYPE, body, carrier)
    case 5:
      return inner.typed(0x8847, body, carrier)
    default:
      to.fault(carrier, 'nsh.unknown_payload')
  }
}

export const NSH_TYPE = 0x894f

/** Cisco VN-Tag: four bytes, then the EtherType. */
export function readVnTag(data: Buffer, carrier: Carrier, to: Decoding, inner: LinkInner): void {
  to.counts.vntag += 1
  if (data.length < 6) return to.fault(carrier, 'vntag.header_too_small')
  inner.typed(data.readUInt16BE(4), data.subarray(6), carrier)
}

/** IEEE 802.1ah: service tag, then a whole Ethernet header. */
export function readBackboneTag(
  data: Buffer,
  carrier: Carrier,
  to: Decoding,
  inner: LinkInner,
): void {
  to.counts.ieee8021ah += 1
  if (data.length < 18) return to.fault(carrier, 'ieee8021ah.header_too_small')
  inner.typed(data.readUInt16BE(16), data.subarray(18), carrier)
}

/** RFC 826: sizes of the addresses must be those of Ethernet and IPv4. */
export function checkArp(data: Buffer, carrier: Carrier, to: Decoding): void {
  to.counts.arp += 1
  const event =
    data.length < 28
      ? 'pkt_too_small'
      : data.readUInt16BE(0) !== 1
        ? 'unsupported_hardware'
        : data.readUInt16BE(2) !== 0x0800
          ? 'unsupported_protocol'
          : data[4] !== 6
            ? 'invalid_hardware_size'
            : data[5] !== 4
              ? 'invalid_protocol_size'
              : data.readUInt16BE(6) < 1 || data.readUInt16BE(6) > 10
                ? 'unsupported_opcode'
                : null
  if (event !== null) to.fault(carrier, `arp.${event}`)
}
