import { ICMP, ICMP6, type IcmpFields, TCP, type TcpFields, UDP } from './packet.ts'

/** What a whole IP packet carries. */
export interface Transport {
  readonly sourcePort: number
  readonly destinationPort: number
  readonly tcp: TcpFields | null
  readonly icmp: IcmpFields | null
  readonly header: Buffer
  readonly payload: Buffer
}

const NONE = Buffer.alloc(0)

/** Reads TCP (RFC 9293), UDP (RFC 768) and ICMP headers; null when one is damaged. */
export function readTransport(protocol: number, data: Buffer): Transport | null {
  switch (protocol) {
    case TCP:
      return readTcp(data)
    case UDP:
      return readUdp(data)
    case ICMP:
    case ICMP6:
      return readIcmp(data)
    default:
      return {
        sourcePort: 0,
        destinationPort: 0,
        tcp: null,
        icmp: null,
        header: NONE,
        payload: data,
      }
  }
}

function readTcp(data: Buffer): Transport | null {
  if (data.length < 20) return null
  const headerBytes = (data[12] >> 4) * 4
  if (headerBytes < 20 || headerBytes > data.length) return null
  const options = tcpOptions(data.subarray(20, headerBytes))
  return {
    sourcePort: data.readUInt16BE(0),
    destinationPort: data.readUInt16BE(2),
    tcp: {
      sequence: data.readUInt32BE(4),
      acknowledgement: data.readUInt32BE(8),
      flags: data[13],
      window: data.readUInt16BE(14),
      urgent: data.readUInt16BE(18),
      ...options,
    },
    icmp: null,
    header: data.subarray(0, headerBytes),
    payload: data.subarray(headerBytes),
  }
}

function tcpOptions(options: Buffer): { segmentBytes: number; windowScale: number } {
  let segmentBytes = -1
  let windowScale = -1
  for (let at = 0; at < options.length;) {
    const kind = options[at]
    if (kind === 0) break
    if (kind === 1) {
      at += 1
      continue
    }
    const length = options[at + 1] ?? 0
    if (length < 2 || at + length > options.length) break
    if (kind === 2 && length === 4) segmentBytes = options.readUInt16BE(at + 2)
    if (kind === 3 && length === 3) windowScale = options[at + 2]
    at += length
  }
  return { segmentBytes, windowScale }
}

function readUdp(data: Buffer): Transport | null {
  if (data.length < 8) return null
  const length = data.readUInt16BE(4)
  const end = length >= 8 && length <= data.length ? length : data.length
  return {
    sourcePort: data.readUInt16BE(0),
    destinationPort: data.readUInt16BE(2),
    tcp: null,
    icmp: null,
    header: data.subarray(0, 8),
    payload: data.subarray(8, end),
  }
}

function readIcmp(data: Buffer): Transport | null {
  if (data.length < 4) return null
  const hasId = data.length >= 8
  return {
    sourcePort: 0,
    destinationPort: 0,
    tcp: null,
    icmp: {
      type: data[0],
      code: data[1],
      id: hasId ? data.readUInt16BE(4) : 0,
      sequence: hasId ? data.readUInt16BE(6) : 0,
    },
    header: data.subarray(0, Math.min(8, data.length)),
    payload: data.subarray(Math.min(8, data.length)),
  }
}
