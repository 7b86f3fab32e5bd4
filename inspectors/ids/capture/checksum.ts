import { ICMP, ICMP6, type Packet, TCP, UDP } from './packet.ts'

/** Sum of 16-bit words in one's complement (RFC 1071), not yet folded and inverted. */
function sumOf(bytes: Buffer, from: number): number {
  let sum = from
  const even = bytes.length & ~1
  for (let at = 0; at < even; at += 2) sum += (bytes[at] << 8) | bytes[at + 1]
  return even === bytes.length ? sum : sum + (bytes[even] << 8)
}

function isZero(sum: number): boolean {
  let folded = sum
  while (folded > 0xffff) folded = Math.floor(folded / 0x1_0000) + (folded & 0xffff)
  return folded === 0xffff
}

/** True when the sum of the IPv4 header holds; IPv6 has none. */
export function isIpSumRight(packet: Packet): boolean {
  return packet.version !== 4 || isZero(sumOf(packet.ipHeader, 0))
}

/**
 * True when the sum of a TCP, UDP or ICMP packet holds; null where there is none: another protocol, or UDP over IPv4
 * without one.
 */
export function isTransportSumRight(packet: Packet): boolean | null {
  const { protocol, transportBytes } = packet
  if (!packet.isSound) return null
  if (protocol === ICMP && packet.version === 4) return isZero(sumOf(transportBytes, 0))
  if (protocol !== TCP && protocol !== UDP && protocol !== ICMP6) return null
  if (protocol === UDP && transportBytes.readUInt16BE(6) === 0 && packet.version === 4) return null
  const length = transportBytes.length
  const pseudo = sumOf(packet.sourceBytes, sumOf(packet.destinationBytes, protocol + length))
  return isZero(sumOf(transportBytes, pseudo))
}
