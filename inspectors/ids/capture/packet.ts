import type { PacketEvent } from '#signatures/suricata/packet-events.ts'

/** Header fields of TCP that rules, records and the stream engine ask for. */
export interface TcpFields {
  /** Both as signed words. */
  readonly sequence: number
  readonly acknowledgement: number
  readonly window: number
  readonly flags: number
  readonly urgent: number
  /** -1: the option is absent. */
  readonly segmentBytes: number
  readonly windowScale: number
  /** Value and echo of the timestamp option (RFC 7323), as signed words; null: absent. */
  readonly timestamp: number | null
  readonly timestampEcho: number
  /** A fast-open option (RFC 7413) with a cookie, or asking for one. */
  readonly hasFastOpen: boolean
  /** An option that signs the segment (RFC 2385, RFC 5925). */
  readonly isSigned: boolean
}

export interface IcmpFields {
  readonly type: number
  readonly code: number
  readonly id: number
  readonly sequence: number
}

/** A frame of the capture, or the IP packet that was put together or unwrapped from some. */
export interface Frame {
  readonly linkType: number
  readonly bytes: Buffer
}

/** What frame, tags and tunnels say about all packets below them. */
export interface Carrier {
  readonly frame: Frame
  readonly vlans: readonly number[]
  /** The packet that carries this one through a tunnel. */
  readonly outer: Packet | null
  /** Tunnels around it. */
  readonly depth: number
  /** Length of the captured frame. */
  readonly frameBytes: number
}

export interface IpFields {
  readonly version: 4 | 6
  /** Header with its options; of IPv6 with its extension headers. */
  readonly header: Buffer
  /** Number of what the header carries, behind extension headers. */
  readonly protocol: number
  readonly ttl: number
  readonly tos: number
  readonly id: number
  /** Flags and offset field of IPv4; of IPv6 as if it were that. */
  readonly fragment: number
  /** Numbers of the IPv4 options. */
  readonly options: readonly number[]
  /** IP header and all it carries. */
  readonly bytes: number
}

export interface TransportFields {
  readonly sourcePort: number
  readonly destinationPort: number
  readonly tcp: TcpFields | null
  readonly icmp: IcmpFields | null
  readonly header: Buffer
  readonly payload: Buffer
  /** Header and payload as they stand in the packet. */
  readonly bytes: Buffer
}

export const NO_BYTES = Buffer.alloc(0)
const NO_EVENTS: readonly PacketEvent[] = []
const NO_NUMBERS: readonly number[] = []
/** LINKTYPE of a plain packet's frame, and lengths of its headers. */
const ETHERNET_LINK = 1
export const PLAIN_LINK_BYTES = 14
export const PLAIN_IP_BYTES = 20
/** Numbers of what an IP header carries. */
export const ICMP = 1
export const IGMP = 2
export const TCP = 6
export const UDP = 17
export const GRE = 47
export const ESP = 50
export const ICMP6 = 58
export const SCTP = 132

/**
 * One packet of a frame; a frame with a tunnel has several, the outermost first. A frame that holds no sound IP
 * header is a packet of version 0, with the events that say why.
 */
export class Packet {
  /** Null: the packet is a plain one. */
  readonly #carrier: Carrier | null
  readonly #ip: IpFields | null
  readonly #transport: TransportFields | null
  /** Of a plain packet: the frame, where its IP header begins, and where it ends. */
  readonly #bytes: Buffer
  readonly #at: number
  readonly #end: number
  /** 0: there is no IP header. */
  readonly version: 0 | 4 | 6
  /** Number of what the IP header carries; 0 where there is none. */
  readonly protocol: number
  /** 0 where the protocol has no ports. */
  readonly sourcePort: number
  readonly destinationPort: number
  readonly tcp: TcpFields | null
  readonly icmp: IcmpFields | null
  /** Of a fragment: nothing; it is seen when the packet is whole. */
  payload: Buffer
  /** True when the packet belongs to a flow: its headers are sound and it is no fragment. */
  readonly isSound: boolean
  #events: PacketEvent[] | null = null
  #source: string | null = null
  #destination: string | null = null

  /**
   * @param transport null: there is no sound header of one
   * @param plain the frame and its places where the packet is a plain one; `carrier` and `ip` are then null
   */
  private constructor(
    carrier: Carrier | null,
    ip: IpFields | null,
    transport: TransportFields | null,
    tcp: TcpFields | null,
    payload: Buffer,
    plain: Buffer,
    at: number,
    end: number,
  ) {
    this.#carrier = carrier
    this.#ip = ip
    this.#transport = transport
    this.#bytes = plain
    this.#at = at
    this.#end = end
    const isPlain = carrier === null
    const ports = at + PLAIN_IP_BYTES
    this.version = isPlain ? 4 : ip === null ? 0 : ip.version
    this.protocol = isPlain ? TCP : ip === null ? 0 : ip.protocol
    this.sourcePort = isPlain
      ? (plain[ports] << 8) | plain[ports + 1]
      : transport === null
        ? 0
        : transport.sourcePort
    this.destinationPort = isPlain
      ? (plain[ports + 2] << 8) | plain[ports + 3]
      : transport === null
        ? 0
        : transport.destinationPort
    this.tcp = tcp
    this.icmp = transport === null ? null : transport.icmp
    this.payload = payload
    this.isSound = isPlain || transport !== null
  }

  static of(carrier: Carrier, ip: IpFields | null, transport: TransportFields | null): Packet {
    const tcp = transport === null ? null : transport.tcp
    const payload = transport === null ? NO_BYTES : transport.payload
    return new Packet(carrier, ip, transport, tcp, payload, NO_BYTES, 0, 0)
  }

  /**
   * A TCP packet right behind an Ethernet header without tags, with an IPv4 header without options: as nearly all are.
   * Its parts are cut out when they are asked for.
   *
   * @param end where the IP packet ends in the frame
   */
  static plain(frame: Buffer, tcp: TcpFields, headerBytes: number, end: number): Packet {
    const at = PLAIN_LINK_BYTES
    const from = at + PLAIN_IP_BYTES + headerBytes
    const payload = from === end ? NO_BYTES : frame.subarray(from, end)
    return new Packet(null, null, null, tcp, payload, frame, at, end)
  }

  get frame(): Frame {
    return this.#carrier === null
      ? { linkType: ETHERNET_LINK, bytes: this.#bytes }
      : this.#carrier.frame
  }

  get frameBytes(): number {
    return this.#carrier === null ? this.#bytes.length : this.#carrier.frameBytes
  }

  /** Tags, the outermost first. */
  get vlans(): readonly number[] {
    return this.#carrier === null ? NO_NUMBERS : this.#carrier.vlans
  }

  get outer(): Packet | null {
    return this.#carrier === null ? null : this.#carrier.outer
  }

  get depth(): number {
    return this.#carrier === null ? 0 : this.#carrier.depth
  }

  get transportHeader(): Buffer {
    if (this.#carrier !== null) return this.#transport === null ? NO_BYTES : this.#transport.header
    const from = this.#at + PLAIN_IP_BYTES
    return this.#bytes.subarray(from, from + (this.#bytes[from + 12] >> 4) * 4)
  }

  /** Header and payload as they stand in the packet. */
  get transportBytes(): Buffer {
    if (this.#carrier === null) return this.#bytes.subarray(this.#at + PLAIN_IP_BYTES, this.#end)
    return this.#transport === null ? NO_BYTES : this.#transport.bytes
  }

  /** Bytes that the addresses stand in, the source first: from `addressesAt` on. */
  get addresses(): Buffer {
    return this.#carrier === null ? this.#bytes : this.ipHeader
  }

  get addressesAt(): number {
    return this.#carrier === null ? this.#at + 12 : this.version === 4 ? 12 : 8
  }

  get ipHeader(): Buffer {
    if (this.#carrier === null) return this.#bytes.subarray(this.#at, this.#at + PLAIN_IP_BYTES)
    return this.#ip === null ? NO_BYTES : this.#ip.header
  }

  get ipBytes(): number {
    if (this.#carrier === null) return this.#end - this.#at
    return this.#ip === null ? 0 : this.#ip.bytes
  }

  get ipOptions(): readonly number[] {
    return this.#ip === null ? NO_NUMBERS : this.#ip.options
  }

  get ttl(): number {
    if (this.#carrier === null) return this.#bytes[this.#at + 8]
    return this.#ip === null ? 0 : this.#ip.ttl
  }

  get tos(): number {
    if (this.#carrier === null) return this.#bytes[this.#at + 1]
    return this.#ip === null ? 0 : this.#ip.tos
  }

  get id(): number {
    if (this.#carrier === null) return (this.#bytes[this.#at + 4] << 8) | this.#bytes[this.#at + 5]
    return this.#ip === null ? 0 : this.#ip.id
  }

  get fragment(): number {
    if (this.#carrier === null) return (this.#bytes[this.#at + 6] << 8) | this.#bytes[this.#at + 7]
    return this.#ip === null ? 0 : this.#ip.fragment
  }

  /** Text; of IPv6 all eight groups with four digits; empty without an IP header. */
  get source(): string {
    this.#source ??= addressText(this.version, this.sourceBytes)
    return this.#source
  }

  get destination(): string {
    this.#destination ??= addressText(this.version, this.destinationBytes)
    return this.#destination
  }

  /** Four or sixteen bytes. */
  get sourceBytes(): Buffer {
    const { addresses, addressesAt } = this
    return addresses.subarray(addressesAt, addressesAt + (this.version === 4 ? 4 : 16))
  }

  get destinationBytes(): Buffer {
    const { addresses, addressesAt, version } = this
    const bytes = version === 4 ? 4 : 16
    return addresses.subarray(addressesAt + bytes, addressesAt + 2 * bytes)
  }

  /** What decoder and stream engine found wrong with it. */
  get events(): readonly PacketEvent[] {
    return this.#events ?? NO_EVENTS
  }

  note(event: PacketEvent): void {
    if (this.#events === null) this.#events = [event]
    else if (!this.#events.includes(event)) this.#events.push(event)
  }
}

function addressText(version: number, bytes: Buffer): string {
  if (version === 0) return ''
  if (version === 4) return `${bytes[0]}.${bytes[1]}.${bytes[2]}.${bytes[3]}`
  const hex = bytes.toString('hex')
  let text = hex.slice(0, 4)
  for (let at = 4; at < 32; at += 4) text += `:${hex.slice(at, at + 4)}`
  return text
}

export const FIN = 0x01
export const SYN = 0x02
export const RST = 0x04
export const ACK = 0x10
export const URG = 0x20

const NAMES: Readonly<Record<number, string>> = {
  0: 'IPv6-Hop-by-Hop',
  1: 'ICMP',
  2: 'IGMP',
  4: 'IP-in-IP',
  6: 'TCP',
  17: 'UDP',
  41: 'IPv6',
  47: 'GRE',
  50: 'ESP',
  51: 'AH',
  58: 'IPv6-ICMP',
  132: 'SCTP',
}

/** EVE's `proto`. */
export function protocolName(protocol: number): string {
  return NAMES[protocol] ?? String(protocol).padStart(3, '0')
}
