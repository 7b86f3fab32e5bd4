import { ICMP, type Packet } from './packet.ts'

/** Names of a packet's flow: as its sender and as its receiver would write it. */
export interface FlowKeys {
  readonly there: string
  readonly back: string
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

/** By addresses, ports (of ICMP: types), protocol, tags and tunnels. */
export function flowKeys(packet: Packet, tracksVlans: boolean): FlowKeys {
  const { protocol, icmp } = packet
  let from = packet.sourcePort
  let to = packet.destinationPort
  if (icmp !== null) {
    from = icmp.type
    to = (protocol === ICMP ? ANSWERS : ANSWERS_6).get(icmp.type) ?? icmp.type
  }
  const tags = tracksVlans && packet.vlans.length > 0 ? packet.vlans.join() : ''
  const rest = `${protocol} ${packet.depth} ${tags}`
  const source = packet.sourceBytes.toString('latin1')
  const destination = packet.destinationBytes.toString('latin1')
  return {
    there: `${source}${destination}${from}>${to} ${rest}`,
    back: `${destination}${source}${to}>${from} ${rest}`,
  }
}

const UNREACHABLE = 3

/** Of an ICMP error: flow of the packet that it is about, as the sender of that packet would write it; null: none. */
export function quotedFlowKeys(packet: Packet, tracksVlans: boolean): FlowKeys | null {
  const { icmp, payload } = packet
  if (icmp === null || packet.protocol !== ICMP || icmp.type !== UNREACHABLE) return null
  if (payload.length < 20 || payload[0] >> 4 !== 4) return null
  const headerBytes = (payload[0] & 15) * 4
  const protocol = payload[9]
  if (headerBytes < 20 || payload.length < headerBytes + 4) return null
  if (protocol !== 6 && protocol !== 17 && protocol !== 132) return null
  const from = payload.readUInt16BE(headerBytes)
  const to = payload.readUInt16BE(headerBytes + 2)
  const tags = tracksVlans && packet.vlans.length > 0 ? packet.vlans.join() : ''
  const rest = `${protocol} ${packet.depth} ${tags}`
  const source = payload.toString('latin1', 12, 16)
  const destination = payload.toString('latin1', 16, 20)
  return {
    there: `${source}${destination}${from}>${to} ${rest}`,
    back: `${destination}${source}${to}>${from} ${rest}`,
  }
}
