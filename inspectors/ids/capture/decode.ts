import { Defragmenter } from './defragmenter.ts'
import type { Packet } from './packet.ts'
import { UDP } from './packet.ts'
import { readTransport } from './transport.ts'

/** Most tags, extension headers and tunnels that are stepped over. */
export const MAX_LAYERS = 8

const ETHERNET = 1
const NULL_LOOPBACK = 0
const PPP = 9
const CISCO_HDLC = 104
const RAW_IP = new Set([12, 14, 101, 228, 229])
const COOKED = 113
const COOKED_2 = 276
const VLAN_TYPES = new Set([0x8100, 0x88a8, 0x9100])
const IPV6_EXTENSIONS = new Set([0, 43, 60, 135, 139, 140])
const FRAGMENT_HEADER = 44
const AUTHENTICATION = 51
const GRE = 47
const VXLAN_PORT = 4789
const TEREDO_PORT = 3544
const NONE = Buffer.alloc(0)

interface Layer {
  readonly vlans: number[]
  readonly outer: Packet | null
  readonly depth: number
}

/**
 * IP packets out of captured frames: Ethernet with VLAN tags, PPPoE, MPLS, Linux cooked captures, PPP, HDLC, raw IP,
 * loopback; IPv4 and IPv6 with extension headers and fragments; GRE, IP in IP, VXLAN and Teredo.
 * Nothing is trusted: a damaged layer ends the decoding of the frame.
 */
export class FrameDecoder {
  readonly #fragments = new Defragmenter()
  readonly #found: Packet[] = []
  #frameBytes = 0
  #now = 0

  /** @returns the packets of the frame, the outermost first; valid until the next call */
  decode(linkType: number, frame: Buffer, timeMs: number): readonly Packet[] {
    this.#found.length = 0
    this.#frameBytes = frame.length
    this.#now = timeMs
    const layer: Layer = { vlans: [], outer: null, depth: 0 }
    if (RAW_IP.has(linkType)) this.#ip(frame, layer)
    else if (linkType === NULL_LOOPBACK) this.#ip(frame.subarray(4), layer)
    else if (linkType === COOKED) this.#typed(frame, 14, layer)
    else if (linkType === COOKED_2) this.#ip(frame.subarray(20), layer)
    else if (linkType === ETHERNET) this.#typed(frame, 12, layer)
    else if (linkType === CISCO_HDLC) this.#typed(frame, 2, layer)
    else if (linkType === PPP) this.#ip(afterPpp(frame), layer)
    return this.#found
  }

  /** @param at offset of the EtherType */
  #typed(frame: Buffer, at: number, layer: Layer): void {
    let offset = at
    for (let count = 0; count < MAX_LAYERS && offset + 2 <= frame.length; count += 1) {
      const type = frame.readUInt16BE(offset)
      if (type === 0x0800 || type === 0x86dd) {
        this.#ip(frame.subarray(offset + 2), layer)
        return
      }
      if (type === 0x8864) {
        this.#ip(frame.subarray(offset + 10), layer)
        return
      }
      if (type === 0x8847 || type === 0x8848) {
        this.#labels(frame, offset + 2, layer)
        return
      }
      if (!VLAN_TYPES.has(type) || offset + 4 > frame.length) return
      layer.vlans.push(frame.readUInt16BE(offset + 2) & 0x0fff)
      offset += 4
    }
  }

  #labels(frame: Buffer, at: number, layer: Layer): void {
    for (let count = 0, offset = at; count < MAX_LAYERS; count += 1, offset += 4) {
      if (offset + 4 > frame.length) return
      if ((frame[offset + 2] & 1) === 0) continue
      this.#ip(frame.subarray(offset + 4), layer)
      return
    }
  }

  #ip(data: Buffer, layer: Layer): void {
    if (layer.depth > MAX_LAYERS || data.length < 20) return
    const version = data[0] >> 4
    if (version === 4) this.#ipv4(data, layer)
    else if (version === 6) this.#ipv6(data, layer)
  }

  #ipv4(data: Buffer, layer: Layer): void {
    const headerBytes = (data[0] & 15) * 4
    const total = data.readUInt16BE(2)
    if (headerBytes < 20 || total < headerBytes || headerBytes > data.length) return
    const source = data.subarray(12, 16).join('.')
    const destination = data.subarray(16, 20).join('.')
    const fragment = data.readUInt16BE(6)
    const id = data.readUInt16BE(4)
    const protocol = data[9]
    const body = data.subarray(headerBytes, Math.min(data.length, total))
    this.#carried(
      {
        vlans: layer.vlans,
        version: 4,
        source,
        destination,
        protocol,
        ttl: data[8],
        tos: data[1],
        id,
        fragment,
        ipHeader: data.subarray(0, headerBytes),
        ipOptions: optionNumbers(data.subarray(20, headerBytes)),
        ipBytes: total,
        frameBytes: this.#frameBytes,
        events: [],
        outer: layer.outer,
      },
      body,
      layer,
    )
  }

  #ipv6(data: Buffer, layer: Layer): void {
    if (data.length < 40) return
    const end = Math.min(data.length, 40 + data.readUInt16BE(4))
    let next = data[6]
    let at = 40
    let fragment = 0
    let id = 0
    for (let count = 0; count < MAX_LAYERS; count += 1) {
      const isExtension = IPV6_EXTENSIONS.has(next)
      if (!isExtension && next !== FRAGMENT_HEADER && next !== AUTHENTICATION) break
      if (at + 8 > end) return
      if (next === FRAGMENT_HEADER) {
        const field = data.readUInt16BE(at + 2)
        fragment = (field >> 3) | ((field & 1) << 13)
        id = data.readUInt32BE(at + 4)
      }
      const bytes =
        next === FRAGMENT_HEADER
          ? 8
          : next === AUTHENTICATION
            ? (data[at + 1] + 2) * 4
            : 8 + data[at + 1] * 8
      next = data[at]
      at += bytes
      if (fragment !== 0) break
    }
    if (at > end) return
    this.#carried(
      {
        vlans: layer.vlans,
        version: 6,
        source: groups(data, 8),
        destination: groups(data, 24),
        protocol: next,
        ttl: data[7],
        tos: (data.readUInt16BE(0) >> 4) & 0xff,
        id,
        fragment,
        ipHeader: data.subarray(0, 40),
        ipOptions: [],
        ipBytes: 40 + data.readUInt16BE(4),
        frameBytes: this.#frameBytes,
        events: [],
        outer: layer.outer,
      },
      data.subarray(at, end),
      layer,
    )
  }

  /** A fragment is shown as it is, and the whole packet with the fragment that completes it. */
  #carried(ip: IpPart, data: Buffer, layer: Layer): void {
    if ((ip.fragment & 0x3fff) === 0) {
      this.#whole(ip, data, layer)
      return
    }
    const offset = (ip.fragment & 0x1fff) * 8
    const key = `${ip.source} ${ip.destination} ${ip.protocol} ${ip.id} ${ip.vlans.join()}`
    this.#found.push({ ...ip, ...BARE })
    const isLast = (ip.fragment & 0x2000) === 0
    const whole = this.#fragments.push(key, offset, isLast, Buffer.from(data), this.#now)
    if (whole !== null)
      this.#whole({ ...ip, fragment: 0, ipBytes: ip.ipHeader.length + whole.length }, whole, layer)
  }

  #whole(ip: IpPart, data: Buffer, layer: Layer): void {
    const transport = readTransport(ip.protocol, data)
    if (transport === null) {
      this.#found.push({ ...ip, ...BARE })
      return
    }
    const packet: Packet = {
      ...ip,
      sourcePort: transport.sourcePort,
      destinationPort: transport.destinationPort,
      tcp: transport.tcp,
      icmp: transport.icmp,
      transportHeader: transport.header,
      payload: transport.payload,
    }
    this.#found.push(packet)
    this.#tunnel(packet, transport.payload, {
      vlans: [...layer.vlans],
      outer: packet,
      depth: layer.depth + 1,
    })
  }

  #tunnel(packet: Packet, payload: Buffer, layer: Layer): void {
    if (packet.protocol === 4 || packet.protocol === 41) this.#ip(payload, layer)
    else if (packet.protocol === GRE) this.#gre(payload, layer)
    else if (packet.protocol === UDP) {
      const isVxlan = packet.destinationPort === VXLAN_PORT && payload.length > 8
      if (isVxlan && (payload[0] & 8) !== 0) this.#typed(payload.subarray(8), 12, layer)
      const isTeredo = packet.destinationPort === TEREDO_PORT || packet.sourcePort === TEREDO_PORT
      if (isTeredo && payload.length >= 40 && payload[0] >> 4 === 6) this.#ip(payload, layer)
    }
  }

  /** RFC 2784, RFC 2890; version 1 (PPTP) carries PPP. */
  #gre(data: Buffer, layer: Layer): void {
    if (data.length < 4) return
    const flags = data.readUInt16BE(0)
    const type = data.readUInt16BE(2)
    let at = 4
    if ((flags & 7) === 1) at += 4
    else if ((flags & 0xc000) !== 0) at += 4
    if ((flags & 7) === 0 && (flags & 0x2000) !== 0) at += 4
    if ((flags & 0x1000) !== 0) at += 4
    if ((flags & 7) === 1 && (flags & 0x80) !== 0) at += 4
    if (at >= data.length) return
    const inner = data.subarray(at)
    if (type === 0x0800 || type === 0x86dd) this.#ip(inner, layer)
    else if (type === 0x6558) this.#typed(inner, 12, layer)
    else if (VLAN_TYPES.has(type)) this.#typed(data.subarray(at - 2), 2, layer)
    else if (type === 0x88be) this.#typed(inner.subarray((flags & 0x1000) === 0 ? 0 : 8), 12, layer)
    else if (type === 0x880b) this.#ip(afterPpp(inner), layer)
  }
}

/** What a PPP frame carries; address, control and the protocol's first byte may be left out (RFC 1661). */
function afterPpp(frame: Buffer): Buffer {
  const at = frame[0] === 0xff && frame[1] === 3 ? 2 : 0
  const isShort = (frame[at] & 1) === 1
  return frame.subarray(at + (isShort ? 1 : 2))
}

type IpPart = Omit<
  Packet,
  'sourcePort' | 'destinationPort' | 'tcp' | 'icmp' | 'transportHeader' | 'payload'
>

/** Of a fragment or a damaged packet. */
const BARE = {
  sourcePort: 0,
  destinationPort: 0,
  tcp: null,
  icmp: null,
  transportHeader: NONE,
  payload: NONE,
}

function groups(data: Buffer, at: number): string {
  const hex = data.toString('hex', at, at + 16)
  return (hex.match(/.{4}/g) ?? []).join(':')
}

function optionNumbers(options: Buffer): number[] {
  const found: number[] = []
  for (let at = 0; at < options.length;) {
    found.push(options[at])
    if (options[at] === 0) break
    if (options[at] === 1) at += 1
    else if ((options[at + 1] ?? 0) < 2) break
    else at += options[at + 1]
  }
  return found
}
