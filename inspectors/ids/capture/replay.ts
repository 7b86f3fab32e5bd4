import { flowIds } from '#inspectors/eve/flow-id.ts'
import type { Flow } from '#inspectors/inspector.ts'
import type { Ids } from '../ids.ts'
import { FrameDecoder } from './decode.ts'
import { ACK, ICMP, ICMP6, type Packet, SYN, UDP } from './packet.ts'
import type { CapturedPacket } from './pcap-file.ts'
import { ReplayFlow, type ReplayObserver } from './replay-flow.ts'

/** Flows that are followed at a time; the oldest is closed for a new one. */
export const MAX_FLOWS = 65_536
/** Milliseconds without a packet after which a flow is another one. */
export const FLOW_TIMEOUT_MS = 600_000

/** EVE's names of link types. */
const LINKS: ReadonlyMap<number, string> = new Map([
  [0, 'null'],
  [1, 'ethernet'],
  [9, 'ppp'],
  [12, 'raw'],
  [101, 'raw'],
  [104, 'chdlc'],
  [113, 'sll'],
  [276, 'sll2'],
])

export interface ReplayOptions {
  /** A connection whose SYN is not in the capture is followed from its first data; who sends it is the client. */
  readonly midstream?: boolean
  /** What follows a drop is not looked at, as if the packets had been stopped. */
  readonly inline?: boolean
  readonly observer: ReplayObserver & { flow(of: ReplayFlow): void }
}

export interface ReplayCounts {
  packets: number
  bytes: number
  flows: number
  transactions: number
  alerts: number
  /** Packets of the capture that hold no IP packet that could be read. */
  undecoded: number
  /** IP packets by what they are, with EVE's names. */
  readonly protocols: Record<string, number>
}

/**
 * Shows a capture to an IDS, packet by packet: packets to the rules about packets, the streams of TCP
 * connections in order, and HTTP, DNS and TLS as they are found in them.
 */
export class Replay {
  readonly #ids: Ids
  readonly #options: ReplayOptions
  readonly #decoder = new FrameDecoder()
  readonly #flows = new Map<string, ReplayFlow>()
  readonly #nextFlowId = flowIds(Math.random())
  readonly counts: ReplayCounts = {
    packets: 0,
    bytes: 0,
    flows: 0,
    transactions: 0,
    alerts: 0,
    undecoded: 0,
    protocols: { ipv4: 0, ipv6: 0, tcp: 0, udp: 0, icmpv4: 0, icmpv6: 0, vlan: 0 },
  }
  /** Time of the newest packet, milliseconds: the clock that rules go by. */
  nowMs = 0

  constructor(ids: Ids, options: ReplayOptions) {
    this.#ids = ids
    this.#options = options
  }

  push({ linkType, bytes, timeMs }: CapturedPacket): void {
    this.nowMs = timeMs
    this.counts.packets += 1
    this.counts.bytes += bytes.length
    const link = LINKS.get(linkType)
    if (link !== undefined) this.counts.protocols[link] = (this.counts.protocols[link] ?? 0) + 1
    const packets = this.#decoder.decode(linkType, bytes, timeMs)
    if (packets.length === 0) this.counts.undecoded += 1
    for (const packet of packets) this.#packet(packet)
  }

  end(): void {
    for (const [key, flow] of this.#flows) this.#close(key, flow)
  }

  #count(packet: Packet): void {
    const { protocols } = this.counts
    protocols[packet.version === 4 ? 'ipv4' : 'ipv6'] += 1
    if (packet.outer !== null && (packet.outer.protocol === 4 || packet.outer.protocol === 41)) {
      const name = `ipv${packet.version}_in_ipv${packet.outer.version}`
      protocols[name] = (protocols[name] ?? 0) + 1
    }
    if (packet.vlans.length > 0 && packet.outer === null) protocols.vlan += 1
    if (packet.tcp !== null) protocols.tcp += 1
    else if (packet.protocol === UDP) protocols.udp += 1
    else if (packet.protocol === ICMP) protocols.icmpv4 += 1
    else if (packet.protocol === ICMP6) protocols.icmpv6 += 1
  }

  #packet(packet: Packet): void {
    this.#count(packet)
    const there = keyOf(packet, true)
    const back = keyOf(packet, false)
    const isOpening =
      packet.tcp !== null && (packet.tcp.flags & SYN) !== 0 && (packet.tcp.flags & ACK) === 0
    let flow = this.#flows.get(there)
    let direction: Flow = 'to_server'
    if (flow === undefined) {
      flow = this.#flows.get(back)
      direction = 'to_client'
    }
    if (flow !== undefined && this.#isOver(flow, isOpening)) {
      this.#close(direction === 'to_server' ? there : back, flow)
      flow = undefined
    }
    if (flow === undefined) {
      const isReversed = comesFromServer(packet)
      direction = isReversed ? 'to_client' : 'to_server'
      flow = this.#open(isReversed ? back : there, packet, isOpening, isReversed)
    }
    const isFollowed = flow.tcp !== null && flow.isFollowed
    flow.packet(packet, direction, this.counts.packets, isFollowed)
  }

  /** A SYN on a connection that has ended, or silence, begins a new flow. */
  #isOver(flow: ReplayFlow, isOpening: boolean): boolean {
    if (this.nowMs - flow.lastMs > FLOW_TIMEOUT_MS) return true
    return isOpening && flow.tcp !== null && (flow.tcp.state === 'closed' || !flow.isFollowed)
  }

  #open(key: string, packet: Packet, isOpening: boolean, isReversed: boolean): ReplayFlow {
    if (this.#flows.size >= MAX_FLOWS) {
      const oldest = this.#flows.entries().next()
      if (oldest.done !== true) this.#close(oldest.value[0], oldest.value[1])
    }
    this.counts.flows += 1
    const flowId = this.#nextFlowId()
    const connection = {
      id: `${key} ${flowId}`,
      flowId,
      clientAddress: isReversed ? packet.destination : packet.source,
      clientPort: isReversed ? packet.destinationPort : packet.sourcePort,
      serverAddress: isReversed ? packet.source : packet.destination,
      serverPort: isReversed ? packet.sourcePort : packet.destinationPort,
      openedAt: this.nowMs,
    }
    const isMidstream = !isOpening && this.#options.midstream === true
    const flow = new ReplayFlow(packet, connection, this.#ids.open(connection), {
      observer: this.#options.observer,
      isInline: this.#options.inline ?? false,
      isMidstream,
      isFollowed: isOpening || isMidstream,
      now: () => this.nowMs,
    })
    this.#flows.set(key, flow)
    return flow
  }

  #close(key: string, flow: ReplayFlow): void {
    this.#flows.delete(key)
    flow.end()
    this.counts.transactions += flow.transactions
    this.counts.alerts += flow.alerts
    this.#options.observer.flow(flow)
  }
}

/** Of a TCP connection whose beginning is not there: the server answers, or has the well-known port. */
function comesFromServer({ tcp, payload, sourcePort, destinationPort }: Packet): boolean {
  if (tcp === null) return false
  if ((tcp.flags & SYN) !== 0) return (tcp.flags & ACK) !== 0
  if (payload.length > 7 && payload.toString('latin1', 0, 7) === 'HTTP/1.') return true
  return sourcePort < 1024 && destinationPort >= 1024
}

function keyOf(packet: Packet, isThere: boolean): string {
  const { source, destination, sourcePort, destinationPort, protocol, vlans } = packet
  const ends = isThere
    ? `${source} ${sourcePort} ${destination} ${destinationPort}`
    : `${destination} ${destinationPort} ${source} ${sourcePort}`
  return `${protocol} ${ends} ${vlans.join()}`
}
