import type { Carrier, Packet } from '../packet.ts'
import type { Decoding } from './layer.ts'

export const VXLAN_PORT = 4789
export const GENEVE_PORT = 6081
export const TEREDO_PORT = 3544

/** Where a tunnel's contents go on being decoded. */
export interface Inner {
  ip(data: Buffer, carrier: Carrier): void
  /** @param data with the Ethernet header */
  ethernet(data: Buffer, carrier: Carrier): void
  /** @param data behind the EtherType */
  typed(type: number, data: Buffer, carrier: Carrier): void
  ppp(data: Buffer, carrier: Carrier): void
}

const CHECKSUM = 0x8000
const ROUTING = 0x4000
const KEY = 0x2000
const SEQUENCE = 0x1000
const STRICT = 0x0800
const ERSPAN_2 = 0x88be
const ERSPAN_3 = 0x22eb
const PPP = 0x880b
const ARISTA = 0xd28b

/** GRE (RFC 2784, RFC 2890); version 1 is PPTP's (RFC 2637). */
export function readGre(
  data: Buffer,
  packet: Packet,
  carrier: Carrier,
  to: Decoding,
  inner: Inner,
): void {
  to.counts.gre += 1
  const fail = (event: string): void => {
    packet.note(`decoder.gre.${event}`)
    to.invalid()
  }
  if (data.length < 4) return fail('pkt_too_small')
  const flags = data.readUInt16BE(0)
  const type = data.readUInt16BE(2)
  const version = flags & 7
  if (version > 1) return fail('wrong_version')
  if ((flags & 0x0700) !== 0) return fail(`version${version}_recur`)
  const at = version === 0 ? greZero(data, flags, fail) : greOne(flags, type, fail)
  if (at < 0) return
  if (at > data.length) return fail(`version${version}_hdr_too_big`)
  const body = data.subarray(at)
  if (type === ERSPAN_2 || type === ERSPAN_3)
    readErspan(body, packet, carrier, to, inner, (flags & SEQUENCE) !== 0, type === ERSPAN_3)
  else if (type === PPP) inner.ppp(body, carrier)
  else if (type === 0x6558) inner.ethernet(body, carrier)
  else if (type === ARISTA) return
  else inner.typed(type, body, carrier)
}

function greZero(data: Buffer, flags: number, fail: (event: string) => void): number {
  if ((flags & 0x00f8) !== 0) {
    fail('version0_flags')
    return -1
  }
  let at = 4
  if ((flags & (CHECKSUM | ROUTING)) !== 0) at += 4
  if ((flags & KEY) !== 0) at += 4
  if ((flags & SEQUENCE) !== 0) at += 4
  if ((flags & ROUTING) === 0) return at
  // Source route entries: family, offset, length, addresses; ended by one without length.
  for (let count = 0; count < 16; count += 1) {
    if (at + 4 > data.length) break
    const length = data[at + 3]
    at += 4 + length
    if (length === 0) return at
  }
  fail('version0_malformed_sre_hdr')
  return -1
}

function greOne(flags: number, type: number, fail: (event: string) => void): number {
  const event =
    (flags & CHECKSUM) !== 0
      ? 'version1_chksum'
      : (flags & ROUTING) !== 0
        ? 'version1_route'
        : (flags & STRICT) !== 0
          ? 'version1_ssr'
          : (flags & 0x0078) !== 0
            ? 'version1_flags'
            : type !== PPP
              ? 'version1_wrong_protocol'
              : (flags & KEY) === 0
                ? 'version1_no_key'
                : null
  if (event !== null) {
    fail(event)
    return -1
  }
  return 8 + ((flags & SEQUENCE) !== 0 ? 4 : 0) + ((flags & 0x0080) !== 0 ? 4 : 0)
}

/** Cisco ERSPAN: type I has no header, II has 8 bytes and III 12. */
function readErspan(
  data: Buffer,
  packet: Packet,
  carrier: Carrier,
  to: Decoding,
  inner: Inner,
  hasSequence: boolean,
  isThree: boolean,
): void {
  to.counts.erspan += 1
  if (!hasSequence && !isThree) {
    inner.ethernet(data, carrier)
    return
  }
  const fail = (event: string): void => {
    packet.note(`decoder.erspan.${event}`)
    to.invalid()
  }
  if (data.length < 8) return fail('header_too_small')
  const version = data[0] >> 4
  if (version !== (isThree ? 2 : 1)) return fail('unsupported_version')
  const vlan = data.readUInt16BE(0) & 0x0fff
  let at = 8
  if (isThree) {
    if (data.length < 12) return fail('header_too_small')
    at = 12 + ((data[11] & 1) !== 0 ? 8 : 0)
    if (data.length < at) return fail('header_too_small')
  }
  if (vlan === 0 || isThree) {
    inner.ethernet(data.subarray(at), carrier)
    return
  }
  if (carrier.vlans.length >= 3) return fail('too_many_vlan_layers')
  inner.ethernet(data.subarray(at), { ...carrier, vlans: [...carrier.vlans, vlan] })
}

/** Tunnels over UDP, told by their ports: VXLAN (RFC 7348), Geneve (RFC 8926), Teredo (RFC 4380). */
export function readUdpTunnel(packet: Packet, carrier: Carrier, to: Decoding, inner: Inner): void {
  const { payload, destinationPort, sourcePort } = packet
  if (destinationPort === VXLAN_PORT) {
    if (payload.length < 22 || (payload[0] & 8) === 0) return
    to.counts.vxlan += 1
    inner.ethernet(payload.subarray(8), carrier)
    return
  }
  if (destinationPort === GENEVE_PORT) {
    readGeneve(payload, carrier, to, inner)
    return
  }
  if (destinationPort === TEREDO_PORT || sourcePort === TEREDO_PORT)
    readTeredo(payload, carrier, to, inner)
}

function readGeneve(data: Buffer, carrier: Carrier, to: Decoding, inner: Inner): void {
  if (data.length < 8 || data[0] >> 6 !== 0) return
  const at = 8 + (data[0] & 0x3f) * 4
  if (at > data.length) return
  to.counts.geneve += 1
  const type = data.readUInt16BE(2)
  const body = data.subarray(at)
  if (type === 0x6558) inner.ethernet(body, carrier)
  else inner.typed(type, body, carrier)
}

const AUTHENTICATION = 1
const ORIGIN = 0

/** IPv6 in UDP, with an origin indication or authentication data before it. */
function readTeredo(data: Buffer, carrier: Carrier, to: Decoding, inner: Inner): void {
  let at = 0
  if (data.length >= 13 && data.readUInt16BE(0) === AUTHENTICATION) at += 13 + data[2] + data[3]
  if (at + 8 <= data.length && data.readUInt16BE(at) === ORIGIN) at += 8
  if (at + 40 > data.length || data[at] >> 4 !== 6) return
  // A datagram that only looks like IPv6 has another length.
  if (at + 40 + data.readUInt16BE(at + 4) !== data.length) return
  to.counts.teredo += 1
  inner.ip(data.subarray(at), carrier)
}
