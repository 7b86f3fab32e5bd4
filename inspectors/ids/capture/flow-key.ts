import { ICMP, type Packet } from './packet.ts'

/**
 * Name of a flow in numbers, the same for the packets of both directions: the two ends, the lesser one first, with four
 * words of address each; both ports (of ICMP: types); protocol, tunnels around it and IP version; tags.
 */
export const KEY_WORDS = 12
const PORTS = 8
const KIND = 9
const PROTOCOL_BITS = 0xff
const TAGS = 10

/** Which end of a flow sent a packet. */
export type Sender = 'first' | 'second' | 'either'

/** Protocol of the flow whose key begins at a word. */
export function protocolOfKey(keys: Int32Array, at: number): number {
  return keys[at + KIND] & PROTOCOL_BITS
}

/** ICMP types that ask, and those that answer them. */
const ANSWERS: ReadonlyMap<number, number> = new Map([
  [8, 0],
  [0, 8],
  [13, 14],
  [14, 13],
  [15, 16],
  [16, 15],
  [17, 18],
  [18, 17],
  [10, 9],
  [9, 10],
])
const ANSWERS_6: ReadonlyMap<number, number> = new Map([
  [128, 129],
  [129, 128],
  [133, 134],
  [134, 133],
  [135, 136],
  [136, 135],
])

/**
 * Writes the key of a packet's flow.
 *
 * @param into KEY_WORDS words
 * @returns which end of the flow sent the packet; `either` when both are the same
 */
export function writeFlowKey(packet: Packet, tracksVlans: boolean, into: Int32Array): Sender {
  const { icmp, protocol } = packet
  let from = packet.sourcePort
  let to = packet.destinationPort
  if (icmp !== null) {
    from = icmp.type
    to = (protocol === ICMP ? ANSWERS : ANSWERS_6).get(icmp.type) ?? icmp.type
  }
  writeKind(packet, protocol, packet.version, tracksVlans, into)
  return writeEnds(packet.addresses, packet.addressesAt, packet.version, from, to, into)
}

const UNREACHABLE = 3

/**
 * Writes the key of the flow that an ICMP error is about.
 *
 * @returns which end sent the packet that the error quotes; null: the packet is no such error
 */
export function writeQuotedFlowKey(
  packet: Packet,
  tracksVlans: boolean,
  into: Int32Array,
): Sender | null {
  const { icmp } = packet
  if (icmp === null || packet.protocol !== ICMP || icmp.type !== UNREACHABLE) return null
  const { payload } = packet
  if (payload.length < 20 || payload[0] >> 4 !== 4) return null
  const headerBytes = (payload[0] & 15) * 4
  const protocol = payload[9]
  if (headerBytes < 20 || payload.length < headerBytes + 4) return null
  if (protocol !== 6 && protocol !== 17 && protocol !== 132) return null
  writeKind(packet, protocol, 4, tracksVlans, into)
  const from = payload.readUInt16BE(headerBytes)
  const to = payload.readUInt16BE(headerBytes + 2)
  return writeEnds(payload, 12, 4, from, to, into)
}

function writeKind(
  packet: Packet,
  protocol: number,
  version: number,
  tracksVlans: boolean,
  into: Int32Array,
): void {
  into[KIND] = protocol | (packet.depth << 8) | (version << 16)
  into[TAGS] = 0
  into[TAGS + 1] = 0
  const { vlans } = packet
  if (!tracksVlans || vlans.length === 0) return
  // A tag has twelve bits, and there are at most three (`MAX_VLANS`); their number tells a tag 0 from none.
  into[TAGS] = vlans[0] | ((vlans.length > 1 ? vlans[1] : 0) << 16)
  into[TAGS + 1] = (vlans.length > 2 ? vlans[2] : 0) | (vlans.length << 16)
}

/** @param at where the source address begins; the destination's follows it */
function writeEnds(
  bytes: Buffer,
  at: number,
  version: number,
  from: number,
  to: number,
  into: Int32Array,
): Sender {
  const words = version === 4 ? 1 : 4
  let order = 0
  for (let word = 0; word < 4; word += 1) {
    const source = word < words ? wordOf(bytes, at + 4 * word) : 0
    const destination = word < words ? wordOf(bytes, at + 4 * (words + word)) : 0
    into[word] = source
    into[4 + word] = destination
    if (order === 0 && source !== destination) order = source < destination ? -1 : 1
  }
  if (order === 0 && from !== to) order = from < to ? -1 : 1
  if (order > 0) {
    for (let word = 0; word < words; word += 1) {
      const source = into[word]
      into[word] = into[4 + word]
      into[4 + word] = source
    }
    into[PORTS] = (to << 16) | from
    return 'second'
  }
  into[PORTS] = (from << 16) | to
  return order === 0 ? 'either' : 'first'
}

function wordOf(bytes: Buffer, at: number): number {
  return (bytes[at] << 24) | (bytes[at + 1] << 16) | (bytes[at + 2] << 8) | bytes[at + 3]
}
