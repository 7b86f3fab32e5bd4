/**
 * TCP segments out of captured frames: Ethernet with VLAN tags, Linux cooked captures, raw IP, loopback; IPv4
 * and IPv6 with extension headers. Fragments are not put together.
 */

export interface TcpSegment {
  readonly source: string
  readonly sourcePort: number
  readonly destination: string
  readonly destinationPort: number
  readonly sequence: number
  readonly isSyn: boolean
  readonly isAck: boolean
  readonly isFin: boolean
  readonly isReset: boolean
  readonly payload: Buffer
}

/** Most VLAN tags and IPv6 extension headers that are stepped over. */
export const MAX_LAYERS = 8

const ETHERNET = 1
const NULL_LOOPBACK = 0
const RAW_IP = new Set([12, 14, 101, 228, 229])
const COOKED = 113
const COOKED_2 = 276
const VLAN_TYPES = new Set([0x8100, 0x88a8, 0x9100])
const IPV6_EXTENSIONS = new Set([0, 43, 60])
const TCP = 6

/** @returns null for everything but whole TCP segments */
export function decodeTcp(linkType: number, frame: Buffer): TcpSegment | null {
  const at = networkOffset(linkType, frame)
  if (at < 0 || at >= frame.length) return null
  const version = frame[at] >> 4
  if (version === 4) return ipv4(frame, at)
  return version === 6 ? ipv6(frame, at) : null
}

/** Offset of the IP header, -1 when there is none. */
function networkOffset(linkType: number, frame: Buffer): number {
  if (RAW_IP.has(linkType)) return 0
  if (linkType === NULL_LOOPBACK) return 4
  if (linkType === COOKED) return frame.length < 16 ? -1 : afterTags(frame, 14)
  if (linkType === COOKED_2) return 20
  return linkType === ETHERNET && frame.length >= 14 ? afterTags(frame, 12) : -1
}

/** @param at offset of the EtherType */
function afterTags(frame: Buffer, at: number): number {
  let offset = at
  for (let layer = 0; layer < MAX_LAYERS && offset + 2 <= frame.length; layer += 1) {
    const type = frame.readUInt16BE(offset)
    if (type === 0x0800 || type === 0x86dd) return offset + 2
    if (!VLAN_TYPES.has(type)) return -1
    offset += 4
  }
  return -1
}

function ipv4(frame: Buffer, at: number): TcpSegment | null {
  if (at + 20 > frame.length) return null
  const headerBytes = (frame[at] & 15) * 4
  const total = frame.readUInt16BE(at + 2)
  const isFragment = (frame.readUInt16BE(at + 6) & 0x3fff) !== 0
  if (headerBytes < 20 || total < headerBytes || frame[at + 9] !== TCP || isFragment) return null
  const end = Math.min(frame.length, at + total)
  const address = (from: number): string => frame.subarray(from, from + 4).join('.')
  return tcp(frame, at + headerBytes, end, address(at + 12), address(at + 16))
}

function ipv6(frame: Buffer, at: number): TcpSegment | null {
  if (at + 40 > frame.length) return null
  const end = Math.min(frame.length, at + 40 + frame.readUInt16BE(at + 4))
  let next = frame[at + 6]
  let offset = at + 40
  for (let layer = 0; layer < MAX_LAYERS && IPV6_EXTENSIONS.has(next); layer += 1) {
    if (offset + 8 > end) return null
    next = frame[offset]
    offset += 8 + frame[offset + 1] * 8
  }
  if (next !== TCP) return null
  const address = (from: number): string =>
    Array.from({ length: 8 }, (_, group) => frame.readUInt16BE(from + group * 2).toString(16)).join(
      ':',
    )
  return tcp(frame, offset, end, address(at + 8), address(at + 24))
}

function tcp(
  frame: Buffer,
  at: number,
  end: number,
  source: string,
  destination: string,
): TcpSegment | null {
  if (at + 20 > end) return null
  const headerBytes = (frame[at + 12] >> 4) * 4
  if (headerBytes < 20 || at + headerBytes > end) return null
  const flags = frame[at + 13]
  return {
    source,
    sourcePort: frame.readUInt16BE(at),
    destination,
    destinationPort: frame.readUInt16BE(at + 2),
    sequence: frame.readUInt32BE(at + 4),
    isSyn: (flags & 2) !== 0,
    isAck: (flags & 16) !== 0,
    isFin: (flags & 1) !== 0,
    isReset: (flags & 4) !== 0,
    payload: frame.subarray(at + headerBytes, end),
  }
}
