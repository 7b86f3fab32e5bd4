import {
  ICMP,
  ICMP6,
  NO_BYTES,
  SCTP,
  TCP,
  type TcpFields,
  type TransportFields,
  UDP,
} from '../packet.ts'

/** What a transport header came to: fields, or the event that says why not; events that leave it usable. */
export interface TransportResult {
  readonly fields: TransportFields | null
  readonly events: readonly string[]
}

const NOTHING: readonly string[] = []

function broken(event: string): TransportResult {
  return { fields: null, events: [event] }
}

/**
 * Reads TCP (RFC 9293), UDP (RFC 768), SCTP (RFC 9260) and ICMP headers of a whole IP packet.
 *
 * @param data what the IP header carries
 */
export function readTransport(protocol: number, data: Buffer): TransportResult {
  switch (protocol) {
    case TCP:
      return readTcp(data)
    case UDP:
      return readUdp(data)
    case ICMP:
    case ICMP6:
      return readIcmp(protocol, data)
    case SCTP:
      return readSctp(data)
    default:
      return {
        fields: {
          sourcePort: 0,
          destinationPort: 0,
          tcp: null,
          icmp: null,
          header: NO_BYTES,
          payload: data,
          bytes: data,
        },
        events: NOTHING,
      }
  }
}

function readTcp(data: Buffer): TransportResult {
  if (data.length < 20) return broken('tcp.pkt_too_small')
  const headerBytes = (data[12] >> 4) * 4
  if (headerBytes > data.length) return broken('tcp.hlen_too_small')
  if (headerBytes < 20) return broken('tcp.invalid_optlen')
  const events: string[] = []
  const tcp = tcpFields(data, 0, headerBytes, events)
  return {
    fields: {
      sourcePort: (data[0] << 8) | data[1],
      destinationPort: (data[2] << 8) | data[3],
      tcp,
      icmp: null,
      header: data.subarray(0, headerBytes),
      payload: data.subarray(headerBytes),
      bytes: data,
    },
    events: events.length === 0 ? NOTHING : events,
  }
}

const MSS = 2
const SCALE = 3
const SACK_PERMITTED = 4
const SACK = 5
const TIMESTAMP = 8
const SIGNATURES = new Set([19, 29])
const FAST_OPEN = 34
const EXPERIMENT = 254
const EXPERIMENT_FAST_OPEN = 0xf989
/** Lengths that RFC 9293, 7323 and 2018 give to options; others vary. */
const OPTION_BYTES: ReadonlyMap<number, number> = new Map([
  [MSS, 4],
  [SCALE, 3],
  [SACK_PERMITTED, 2],
  [TIMESTAMP, 10],
])

/**
 * @param from where the header begins
 * @param end where it ends
 * @param events what is wrong with its options is added
 */
export function tcpFields(data: Buffer, from: number, end: number, events: string[]): TcpFields {
  let segmentBytes = -1
  let windowScale = -1
  let timestamp: number | null = null
  let timestampEcho = 0
  let hasFastOpen = false
  let isSigned = false
  let seen = 0
  for (let at = from + 20; at < end;) {
    const kind = data[at]
    if (kind === 0) break
    if (kind === 1) {
      at += 1
      continue
    }
    const length = at + 1 < end ? data[at + 1] : 0
    if (length < 2 || at + length > end) {
      events.push('tcp.opt_invalid_len')
      break
    }
    const isKnown = kind <= TIMESTAMP && kind !== 6 && kind !== 7
    if (isKnown && (seen & (1 << kind)) !== 0) events.push('tcp.opt_duplicate')
    else if ((OPTION_BYTES.get(kind) ?? length) !== length || (kind === SACK && length % 8 !== 2))
      events.push('tcp.opt_invalid_len')
    else if (kind === MSS) segmentBytes = data.readUInt16BE(at + 2)
    else if (kind === SCALE) windowScale = Math.min(data[at + 2], 14)
    else if (kind === TIMESTAMP) {
      timestamp = data.readInt32BE(at + 2)
      timestampEcho = data.readInt32BE(at + 6)
    } else if (kind === FAST_OPEN || kind === EXPERIMENT)
      hasFastOpen ||= isFastOpen(data, at, kind, length)
    else if (SIGNATURES.has(kind)) isSigned = true
    if (isKnown) seen |= 1 << kind
    at += length
  }
  return {
    sequence: word(data, from + 4),
    acknowledgement: word(data, from + 8),
    flags: data[from + 13],
    window: (data[from + 14] << 8) | data[from + 15],
    urgent: (data[from + 18] << 8) | data[from + 19],
    segmentBytes,
    windowScale,
    timestamp,
    timestampEcho,
    hasFastOpen,
    isSigned,
  }
}

function word(data: Buffer, at: number): number {
  return (data[at] << 24) | (data[at + 1] << 16) | (data[at + 2] << 8) | data[at + 3]
}

/** A cookie has 4 to 16 bytes in pairs, or none when it is asked for (RFC 7413, 4.1.1). */
function isFastOpen(data: Buffer, at: number, kind: number, length: number): boolean {
  if (kind === FAST_OPEN) return length === 2 || (length >= 6 && length <= 18 && length % 2 === 0)
  return length >= 4 && data.readUInt16BE(at + 2) === EXPERIMENT_FAST_OPEN
}

function readUdp(data: Buffer): TransportResult {
  if (data.length < 8) return broken('udp.hlen_too_small')
  const length = data.readUInt16BE(4)
  if (length > data.length) return broken('udp.pkt_too_small')
  if (length < 8 && length !== 0) return broken('udp.len_invalid')
  // A length of 0 is a jumbogram's (RFC 2675): all there is.
  const end = length === 0 ? data.length : length
  return {
    fields: {
      sourcePort: (data[0] << 8) | data[1],
      destinationPort: (data[2] << 8) | data[3],
      tcp: null,
      icmp: null,
      header: data.subarray(0, 8),
      payload: data.subarray(8, end),
      bytes: data.subarray(0, end),
    },
    events: NOTHING,
  }
}

function readSctp(data: Buffer): TransportResult {
  if (data.length < 12) return broken('sctp.pkt_too_small')
  return {
    fields: {
      sourcePort: (data[0] << 8) | data[1],
      destinationPort: (data[2] << 8) | data[3],
      tcp: null,
      icmp: null,
      header: data.subarray(0, 12),
      payload: data.subarray(12),
      bytes: data,
    },
    events: NOTHING,
  }
}

/** Highest code of each type that is assigned (IANA). */
const ICMP_CODES: ReadonlyMap<number, number> = new Map([
  [0, 0],
  [3, 15],
  [4, 0],
  [5, 3],
  [8, 0],
  [9, 16],
  [10, 0],
  [11, 1],
  [12, 2],
  [13, 0],
  [14, 0],
  [15, 0],
  [16, 0],
  [17, 0],
  [18, 0],
])
const ICMP6_CODES: ReadonlyMap<number, number> = new Map([
  [1, 7],
  [2, 0],
  [3, 1],
  [4, 10],
  [128, 0],
  [129, 0],
  [130, 0],
  [131, 0],
  [132, 0],
  [133, 0],
  [134, 0],
  [135, 0],
  [136, 0],
  [137, 0],
  [138, 255],
  [139, 2],
  [140, 2],
  [141, 0],
  [142, 0],
  [143, 0],
  [144, 0],
  [145, 0],
  [146, 0],
  [147, 0],
  [148, 0],
  [149, 0],
  [150, 255],
  [151, 0],
  [152, 0],
  [153, 0],
  [154, 5],
  [155, 255],
])
const ERRORS = new Set([3, 4, 5, 11, 12])

function readIcmp(protocol: number, data: Buffer): TransportResult {
  const layer = protocol === ICMP ? 'icmpv4' : 'icmpv6'
  if (data.length < 8) return broken(`${layer}.pkt_too_small`)
  const [type, code] = data
  const events: string[] = []
  const highest = (protocol === ICMP ? ICMP_CODES : ICMP6_CODES).get(type)
  const isExperiment = protocol === ICMP6 && [100, 101, 200, 201].includes(type)
  if (isExperiment) events.push('icmpv6.experimentation_type')
  else if (highest === undefined)
    events.push(
      protocol === ICMP6 && (type < 5 || type > 154)
        ? 'icmpv6.unassigned_type'
        : `${layer}.unknown_type`,
    )
  else if (code > highest) events.push(`${layer}.unknown_code`)
  else if (protocol === ICMP && ERRORS.has(type)) {
    const event = embeddedFault(data)
    if (event !== null) events.push(event)
  }
  return {
    fields: {
      sourcePort: 0,
      destinationPort: 0,
      tcp: null,
      icmp: {
        type,
        code,
        id: data.readUInt16BE(4),
        sequence: data.readUInt16BE(6),
      },
      header: data.subarray(0, 8),
      payload: data.subarray(8),
      bytes: data,
    },
    events: events.length === 0 ? NOTHING : events,
  }
}

/** An ICMP error quotes the header of the packet that it is about. */
function embeddedFault(data: Buffer): string | null {
  if (data.length === 8) return null
  if (data[8] >> 4 !== 4) return 'icmpv4.ipv4_unknown_ver'
  return data.length < 8 + 20 ? 'icmpv4.ipv4_trunc_pkt' : null
}
