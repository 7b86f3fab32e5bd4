import type { PacketEvent } from '#signatures/suricata/packet-events.ts'

/** Header fields that rules and records ask for. */
export interface TcpFields {
  readonly sequence: number
  readonly acknowledgement: number
  readonly window: number
  readonly flags: number
  readonly urgent: number
  /** -1: the option is absent. */
  readonly segmentBytes: number
  readonly windowScale: number
}

export interface IcmpFields {
  readonly type: number
  readonly code: number
  readonly id: number
  readonly sequence: number
}

/** One IP packet of a frame; a frame with a tunnel has several, the outermost first. */
export interface Packet {
  readonly vlans: readonly number[]
  readonly version: 4 | 6
  /** Text; of IPv6 all eight groups with four digits. */
  readonly source: string
  readonly destination: string
  /** 0 where the protocol has no ports. */
  readonly sourcePort: number
  readonly destinationPort: number
  /** Protocol number of what the IP header carries. */
  readonly protocol: number
  readonly ttl: number
  readonly tos: number
  readonly id: number
  /** Flags and offset field of IPv4; of IPv6 as if it were that. */
  readonly fragment: number
  readonly ipHeader: Buffer
  /** Numbers of the IPv4 options. */
  readonly ipOptions: readonly number[]
  readonly transportHeader: Buffer
  readonly tcp: TcpFields | null
  readonly icmp: IcmpFields | null
  /** Of a fragment: nothing; it is seen when the packet is whole. */
  readonly payload: Buffer
  /** IP header and all it carries. */
  readonly ipBytes: number
  readonly frameBytes: number
  /** What decoder and stream engine found wrong with it. */
  readonly events: PacketEvent[]
  /** The packet that carries this one through a tunnel. */
  readonly outer: Packet | null
}

export const ICMP = 1
export const TCP = 6
export const UDP = 17
export const ICMP6 = 58

export const FIN = 0x01
export const SYN = 0x02
export const RST = 0x04
export const ACK = 0x10

const NAMES: Readonly<Record<number, string>> = {
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
