import { SocketAddress } from 'node:net'
import type { OnFailure } from '#chain/model/chain.ts'
import type { RateLimit } from '../chain/rate-limit.ts'
import type { Hop } from '../chain/hop.ts'
import { FrameDecoder } from '../ids/capture/decode/frame-decoder.ts'
import { type Packet, UDP } from '../ids/capture/packet.ts'
import type { Connection, Flow } from '../inspector.ts'
import type { FlushableSink } from '../proxy/flow-services.ts'
import type { DatagramCounters } from './counters.ts'
import { DatagramFlow } from './datagram-flow.ts'
import { type FrameEvents, FrameSocket } from './frame-socket.ts'
import { HeldFragments } from './held-fragments.ts'
import { MAX_DATAGRAM_FLOWS, SWEEP_MS } from './limits.ts'
import { datagramFrames } from './train.ts'

const ETHERNET = 1
const FRAGMENT_BITS = 0x3fff

export interface DatagramServerOptions {
  readonly sink: FlushableSink
  readonly failureAlerts: RateLimit
  readonly counters: DatagramCounters
  /** Hops of a flow whose first datagram this was; null: no attachment covers it. */
  readonly find: (connection: Connection) => readonly Hop[] | null
  /** Tells of a flow that no attachment covers. @returns what becomes of it */
  readonly unresolved: (connection: Connection) => OnFailure
  readonly nextConnectionId: () => string
  readonly nextFlowId: () => number
  /** Milliseconds since the epoch; a test passes its own. */
  readonly now?: () => number
  /** In place of a packet socket, for tests. */
  readonly open?: (events: FrameEvents) => Pick<FrameSocket, 'start' | 'stop' | 'write'>
}

/**
 * Datagrams in line. The switch leads them here as frames; each is shown to the chain of its flow and, if it
 * may go on, leaves as the frame that it was: addresses, ports, fragments and options are the client's, byte
 * for byte. What is no datagram does not leave.
 */
export class DatagramServer {
  readonly #options: DatagramServerOptions
  readonly #socket: Pick<FrameSocket, 'start' | 'stop' | 'write'>
  readonly #decoder = new FrameDecoder()
  readonly #held: HeldFragments
  /** By the client's endpoints, the one that was quiet for longest first. */
  readonly #flows = new Map<string, DatagramFlow>()
  readonly #now: () => number
  #sweep: NodeJS.Timeout | null = null

  /** @param fd packet socket; inherited */
  constructor(fd: number, options: DatagramServerOptions) {
    this.#options = options
    this.#now = options.now ?? Date.now
    const { counters } = options
    const events: FrameEvents = {
      frame: (bytes) => this.#frame(bytes),
      error: () => counters.readErrors++,
    }
    this.#socket = options.open?.(events) ?? new FrameSocket(fd, events)
    this.#held = new HeldFragments((frames) => {
      counters.fragmentsLost += frames
    })
  }

  get flows(): number {
    return this.#flows.size
  }

  start(): void {
    this.#socket.start()
    this.#sweep ??= setInterval(() => this.sweep(), SWEEP_MS)
  }

  /** Reads no more; who reads now has flows of its own. */
  stop(): void {
    this.#socket.stop()
    if (this.#sweep !== null) clearInterval(this.#sweep)
    this.#sweep = null
    this.forgetFlows()
  }

  /** Ports or attachments have changed: what comes next is routed anew. */
  forgetFlows(): void {
    for (const flow of this.#flows.values()) this.#forget(flow)
    this.#options.sink.flush()
  }

  /** Forgets what was quiet for its time. */
  sweep(): void {
    const now = this.#now()
    for (const flow of this.#flows.values()) if (flow.isIdle(now)) this.#forget(flow)
    this.#held.sweep(now)
    this.#options.sink.flush()
  }

  #frame(bytes: Buffer): void {
    const { counters, sink } = this.#options
    counters.frames++
    counters.bytes += bytes.length
    const frames = datagramFrames(bytes)
    if (frames === null) {
      counters.unreadable++
      return
    }
    // One that may not go on keeps the others of its train from going.
    let mayGo = true
    let isWhole = true
    let others: readonly Buffer[] = []
    for (const frame of frames) {
      const packets = this.#decoder.decode(ETHERNET, frame, this.#now())
      const [first] = packets
      const packet = packets.find(isDatagram)
      if (first !== undefined && isFragment(first)) {
        const key = fragmentKey(first)
        if (packet === undefined) {
          this.#held.hold(key, bytes, this.#now())
          isWhole = false
          continue
        }
        others = this.#held.take(key)
      }
      if (packet === undefined) {
        counters.unreadable++
        return
      }
      if (!this.#mayGo(packet, others.length > 0)) mayGo = false
    }
    // Alerts first: nothing leaves before what was found in it is on disk.
    sink.flush()
    if (!isWhole) return
    if (!mayGo) {
      counters.dropped++
      return
    }
    let isSent = true
    for (const frame of others) if (!this.#socket.write(frame)) isSent = false
    if (!this.#socket.write(bytes)) isSent = false
    if (isSent) counters.forwarded++
    else counters.unsent++
  }

  /** @param isJoined it came in fragments: the switch could not see its ports */
  #mayGo(packet: Packet, isJoined: boolean): boolean {
    const now = this.#now()
    const there = keyOf(
      packet.source,
      packet.sourcePort,
      packet.destination,
      packet.destinationPort,
    )
    let direction: Flow = 'to_server'
    let flow = this.#flows.get(there)
    if (flow === undefined) {
      const back = keyOf(
        packet.destination,
        packet.destinationPort,
        packet.source,
        packet.sourcePort,
      )
      flow = this.#flows.get(back)
      if (flow !== undefined) direction = 'to_client'
    }
    if (flow !== undefined && flow.isIdle(now)) {
      this.#forget(flow)
      flow = undefined
    }
    if (flow === undefined) {
      const opened = this.#open(packet, isJoined, now)
      if (typeof opened === 'boolean') return opened
      flow = opened.flow
      direction = opened.direction
    } else this.#flows.delete(flow.key)
    this.#flows.set(flow.key, flow)
    const mayGo = flow.inspect(packet, direction, now)
    if (flow.isOver) this.#forget(flow)
    return mayGo
  }

  /** The flow of its first datagram, or whether it may go on without one. */
  #open(
    packet: Packet,
    isJoined: boolean,
    now: number,
  ): { flow: DatagramFlow; direction: Flow } | boolean {
    const { counters, find } = this.#options
    const asked = this.#connection(packet, false, now)
    let connection = asked
    let direction: Flow = 'to_server'
    let hops = find(asked)
    if (hops === null) {
      // What was asked before the attachment is answered now, or the server speaks first.
      connection = this.#connection(packet, true, now)
      direction = 'to_client'
      hops = find(connection)
    }
    if (hops === null && isJoined) return true
    if (hops === null) {
      counters.unresolved++
      return this.#options.unresolved(asked) === 'open'
    }
    if (this.#flows.size >= MAX_DATAGRAM_FLOWS) {
      const quietest = this.#flows.values().next()
      if (quietest.done !== true) this.#forget(quietest.value)
      counters.flowsEvicted++
    }
    counters.flows++
    const { source, sourcePort, destination, destinationPort } = packet
    const key =
      direction === 'to_server'
        ? keyOf(source, sourcePort, destination, destinationPort)
        : keyOf(destination, destinationPort, source, sourcePort)
    return { flow: new DatagramFlow(key, connection, hops, this.#options, now), direction }
  }

  #connection(packet: Packet, isAnswer: boolean, now: number): Connection {
    const { nextConnectionId, nextFlowId } = this.#options
    const source = shortAddress(packet.source, packet.version)
    const destination = shortAddress(packet.destination, packet.version)
    return {
      id: nextConnectionId(),
      flowId: nextFlowId(),
      protocol: 'udp',
      clientAddress: isAnswer ? destination : source,
      clientPort: isAnswer ? packet.destinationPort : packet.sourcePort,
      serverAddress: isAnswer ? source : destination,
      serverPort: isAnswer ? packet.sourcePort : packet.destinationPort,
      openedAt: now,
    }
  }

  #forget(flow: DatagramFlow): void {
    if (this.#flows.get(flow.key) === flow) this.#flows.delete(flow.key)
    flow.close()
  }
}

const isFragment = (packet: Packet): boolean => (packet.fragment & FRAGMENT_BITS) !== 0

/** The datagram of a frame itself, whole and sound; not one that it carries through a tunnel. */
const isDatagram = (packet: Packet): boolean =>
  packet.protocol === UDP &&
  packet.outer === null &&
  packet.transportHeader.length > 0 &&
  !isFragment(packet)

const keyOf = (client: string, clientPort: number, server: string, serverPort: number): string =>
  `${client} ${clientPort} ${server} ${serverPort}`

const fragmentKey = ({ source, destination, id, protocol }: Packet): string =>
  `${source} ${destination} ${protocol} ${id}`

/** As a socket would write it: alerts of TCP and UDP name a host in one way. */
function shortAddress(address: string, version: number): string {
  return version === 6 ? new SocketAddress({ address, family: 'ipv6' }).address : address
}
