import type { PacketEvent } from '#signatures/suricata/packet-events.ts'

/** Header fields of TCP that rules, records and the stream engine ask for. */
export interface TcpFields {
  readonly sequence: number
  readonly acknowledgement: number
  readonly window: number
  readonly flags: number
  readonly urgent: number
  /** -1: the option is absent. */
  readonly segmentBytes: number
  readonly windowScale: number
  /** Value and echo of the timestamp option (RFC 7323); null: absent. */
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

/**
 * One packet of a frame; a frame with a tunnel has several, the outermost first. A frame that holds no sound IP
 * header is a packet of version 0, with the events that say why.
 */
export class Packet {
  readonly #carrier: Carrier
  readonly #ip: IpFields | null
  /** 0: there is no IP header. */
  readonly version: 0 | 4 | 6
  /** Number of what the IP header carries; 0 where there is none. */
  readonly protocol: number
  /** 0 where the protocol has no ports. */
  readonly sourcePort: number
  readonly destinationPort: number
  readonly tcp: TcpFields | null
  readonly icmp: IcmpFields | null
  readonly transportHeader: Buffer
  readonly transportBytes: Buffer
  /** Of a fragment: nothing; it is seen when the packet is whole. */
  payload: Buffer
  /** True when the packet belongs to a flow: its headers are sound and it is no fragment. */
  readonly isSound: boolean
  #events: PacketEvent[] | null = null
  #source: string | null = null
  #destination: string | null = null

  constructor(carrier: Carrier, ip: IpFields | null, transport: TransportFields | null) {
    this.#carrier = carrier
    this.#ip = ip
    this.version = ip === null ? 0 : ip.version
    this.protocol = ip === null ? 0 : ip.protocol
    this.sourcePort = transport === null ? 0 : transport.sourcePort
    this.destinationPort = transport === null ? 0 : transport.destinationPort
    this.tcp = transport === null ? null : transport.tcp
    this.icmp = transport === null ? null : transport.icmp
    this.transportHeader = transport === null ? NO_BYTES : transport.header
    this.transportBytes = transport === null ? NO_BYTES : transport.bytes
    this.payload = transport === null ? NO_BYTES : transport.payload
    this.isSound = transport !== null
  }

  get frame(): Frame {
    return this.#carrier.frame
  }

  get frameBytes(): number {
    return this.#carrier.frameBytes
  }

  /** Tags, the outermost first. */
  get vlans(): readonly number[] {
    return this.#carrier.vlans
  }

  get outer(): Packet | null {
    return this.#carrier.outer
  }

  get depth(): number {
    return this.#carrier.depth
  }

  get ipHeader(): Buffer {
    return this.#ip === null ? NO_BYTES : this.#ip.header
  }

  get ipBytes(): number {
    return this.#ip === null ? 0 : this.#ip.bytes
  }

  get ipOptions(): readonly number[] {
    return this.#ip === null ? NO_NUMBERS : this.#ip.options
  }

  get ttl(): number {
    return this.#ip === null ? 0 : this.#ip.ttl
  }

  get tos(): number {
    return this.#ip === null ? 0 : this.#ip.tos
  }

  get id(): number {
    return this.#ip === null ? 0 : this.#ip.id
  }

  get fragment(): number {
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
    const { ipHeader } = this
    return this.version === 4 ? ipHeader.subarray(12, 16) : ipHeader.subarray(8, 24)
  }

  get destinationBytes(): Buffer {
    const { ipHeader } = this
    return this.version === 4 ? ipHeader.subarray(16, 20) : ipHeader.subarray(24, 40)
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

export const ICMP = 1
export const IGMP = 2
export const TCP = 6
export const UDP = 17
export const GRE = 47
export const ESP = 50
export const ICMP6 = 58
export const SCTP = 132

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
