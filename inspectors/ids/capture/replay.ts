import type { PacketEvent } from '#signatures/suricata/packet-events.ts'
import { flowIds } from '#inspectors/eve/flow-id.ts'
import type { Connection, Flow } from '#inspectors/inspector.ts'
import type { Ids } from '../ids.ts'
import { type ExceptionPolicies, IGNORE_EXCEPTIONS } from '../configuration/exception-policies.ts'
import type { EncryptionHandling } from '../configuration/replay-settings.ts'
import { ChecksumWatch } from './checksum-watch.ts'
import type { DecoderCounts } from './decode/counters.ts'
import { FlowFate } from './flow-fate.ts'
import { FrameDecoder } from './decode/frame-decoder.ts'
import { KEY_WORDS, type Sender, writeFlowKey, writeQuotedFlowKey } from './flow-key.ts'
import { type FlowEnd, FlowTable } from './flow-table.ts'
import { HostPolicies } from './host-policies.ts'
import { ACK, ESP, ICMP, ICMP6, type Packet, SCTP, SYN, TCP, UDP } from './packet.ts'
import type { CapturedPacket } from './pcap-file.ts'
import { type FlowOptions, ReplayFlow, type ReplayObserver } from './replay-flow.ts'
import { type CaptureSettings, DEFAULT_CAPTURE_SETTINGS } from './settings.ts'
import type { TcpState } from './tcp/endpoint.ts'
import { ahead } from './tcp/sequence.ts'
import type { TcpSettings } from './tcp/settings.ts'

const DNS_PORT = 53

export interface ReplayOptions {
  /** A connection whose SYN is not in the capture is followed from its first data; who sends it is the client. */
  readonly midstream?: boolean
  /** What follows a drop is not looked at, as if the packets had been stopped. */
  readonly inline?: boolean
  readonly settings?: CaptureSettings
  /** What is done where things go beyond what is followed; nothing where nothing is said. */
  readonly policies?: ExceptionPolicies
  readonly encryption?: EncryptionHandling
  /** Ports besides 53 that DNS is expected at. */
  readonly dnsPorts?: readonly number[]
  /** The bytes of packets stay as they are as long as the replay lasts: what is looked at later need not be copied. */
  readonly holdsPackets?: boolean
  readonly observer: ReplayObserver & { flow(of: ReplayFlow, reason: FlowEnd): void }
}

export interface ReplayCounts {
  packets: number
  bytes: number
  flows: number
  transactions: number
  alerts: number
  /** IP packets by what they are, with EVE's names. */
  readonly decoder: DecoderCounts
  /** Gaps in streams, and packets with wrong sums. */
  gaps: number
  damaged: number
  /** Flows and transactions by application protocol, with EVE's names. */
  readonly applications: Map<string, { flows: number; transactions: number }>
  /** Faults of packets: `decoder.NAME` and `stream.NAME`. */
  readonly events: Map<PacketEvent, number>
}

const IP_IN_IP = 4
const IPV6_IN_IP = 41
/** Protocols whose packets belong to flows. */
const FLOW_PROTOCOLS = new Set([TCP, UDP, ICMP, ICMP6, SCTP, ESP, IP_IN_IP, IPV6_IN_IP])

/**
 * Shows a capture to an IDS, packet by packet: packets to the rules about packets, the streams of TCP
 * connections in order, and HTTP, DNS and TLS as they are found in them.
 */
export class Replay {
  readonly #ids: Ids
  readonly #options: ReplayOptions
  readonly #settings: CaptureSettings
  readonly #tcp: TcpSettings
  readonly #dnsPorts: ReadonlySet<number>
  readonly #decoder: FrameDecoder
  readonly #checksums: ChecksumWatch
  readonly #flows: FlowTable
  readonly #flowOptions: FlowOptions
  readonly #key = new Int32Array(KEY_WORDS)
  readonly #nextFlowId = flowIds(Math.random())
  readonly counts: ReplayCounts
  /** Time of the newest packet, milliseconds: the clock that rules go by. */
  nowMs = 0

  constructor(ids: Ids, options: ReplayOptions) {
    this.#ids = ids
    this.#options = options
    this.#dnsPorts = new Set([DNS_PORT, ...(options.dnsPorts ?? [])])
    const settings = options.settings ?? DEFAULT_CAPTURE_SETTINGS
    this.#settings = settings
    this.#flows = new FlowTable(settings.flowTimeouts, this.#over.bind(this))
    const hosts = new HostPolicies(settings.hosts)
    this.#tcp = {
      midstream: options.midstream ?? settings.midstream,
      asyncOneside: settings.asyncOneside,
      inline: (options.inline ?? false) || settings.streamInline,
      depth: settings.streamDepth,
      urgent: settings.urgent,
      maxSynAcks: settings.maxSynAcks,
      memory: { bytes: 0, limit: settings.streamMemory },
      nowMs: () => this.nowMs,
      policyOf: (address) => hosts.of(address),
    }
    const policies = options.policies ?? IGNORE_EXCEPTIONS
    this.#flowOptions = {
      observer: options.observer,
      isInline: options.inline ?? false,
      isNow: this.#tcp.inline,
      tcp: this.#tcp,
      policies,
      openFate: new FlowFate(policies),
      encryption: options.encryption ?? 'track-only',
      holdsPackets: options.holdsPackets ?? false,
      dnsPorts: this.#dnsPorts,
      now: () => this.nowMs,
    }
    this.#decoder = new FrameDecoder(({ version, header }) =>
      hosts.of(
        version === 4 ? header.toString('latin1', 16, 20) : header.toString('latin1', 24, 40),
      ),
    )
    this.#checksums = new ChecksumWatch(settings.checksums)
    this.counts = {
      packets: 0,
      bytes: 0,
      flows: 0,
      transactions: 0,
      alerts: 0,
      decoder: this.#decoder.counts,
      gaps: 0,
      damaged: 0,
      applications: new Map(),
      events: new Map(),
    }
  }

  /** Bytes that the streams of all connections hold, with what holding them costs. */
  get heldBytes(): number {
    return this.#tcp.memory.bytes
  }

  push({ linkType, bytes, timeMs }: CapturedPacket): void {
    this.nowMs = timeMs
    this.counts.packets += 1
    this.counts.bytes += bytes.length
    const packets = this.#decoder.decode(linkType, bytes, timeMs)
    for (let index = 0; index < packets.length; index += 1) this.#packet(packets[index])
    this.#flows.sweep(timeMs)
  }

  end(): void {
    this.#flows.closeAll()
    this.counts.damaged = this.#checksums.damaged
  }

  #packet(packet: Packet): void {
    if (!packet.isSound || !FLOW_PROTOCOLS.has(packet.protocol)) {
      this.#alone(packet)
      return
    }
    const key = this.#key
    const { tracksVlans } = this.#settings
    if (packet.icmp !== null) {
      // Who tells of an error is on the side of the packet's receiver.
      const quoted = writeQuotedFlowKey(packet, tracksVlans, key)
      if (quoted !== null && this.#known(packet, key, otherEnd(quoted))) return
    }
    const sender = writeFlowKey(packet, tracksVlans, key)
    if (this.#known(packet, key, sender)) return
    const isReversed = comesFromServer(packet, this.#tcp.midstream) || this.#isDnsAnswer(packet)
    const flow = this.#open(packet, isReversed)
    this.counts.flows += 1
    this.#flows.add(key, isReversed ? otherEnd(sender) : sender, flow, this.nowMs)
    this.#show(flow, packet, isReversed ? 'to_client' : 'to_server')
  }

  /** @returns false when the packet begins a flow */
  #known(packet: Packet, key: Int32Array, sender: Sender): boolean {
    const place = this.#flows.find(key)
    if (place < 0) return false
    const flow = this.#flows.at(place)
    const direction: Flow = this.#flows.isClient(place, sender) ? 'to_server' : 'to_client'
    const isOld = this.#flows.isTimedOut(place, this.nowMs)
    if (!isOld && !isReused(flow, packet, direction)) {
      this.#flows.touch(place, this.nowMs)
      this.#show(flow, packet, direction)
      return true
    }
    this.#flows.remove(place, isOld ? 'timeout' : 'forced')
    return false
  }

  /** A packet that belongs to no flow: a fragment, a damaged one, or of a protocol without flows. */
  #alone(packet: Packet): void {
    const flow = this.#open(packet, false)
    this.#show(flow, packet, 'to_server')
    this.counts.alerts += flow.alerts
  }

  #show(flow: ReplayFlow, packet: Packet, direction: Flow): void {
    flow.packet(packet, direction, this.counts.packets, this.#checksums.isDamaged(packet))
    if (packet.events.length > 0) this.#countEvents(packet)
  }

  #countEvents(packet: Packet): void {
    const { events } = this.counts
    for (const event of packet.events) events.set(event, (events.get(event) ?? 0) + 1)
  }

  /** An answer whose question was not seen: as with Suricata, who answers is the server. */
  #isDnsAnswer({ protocol, payload, sourcePort, destinationPort }: Packet): boolean {
    if (protocol !== UDP || !this.#dnsPorts.has(sourcePort)) return false
    return !this.#dnsPorts.has(destinationPort) && payload.length >= 12 && payload[2] > 127
  }

  #open(packet: Packet, isReversed: boolean): ReplayFlow {
    const flowId = this.#nextFlowId()
    const connection: Connection = {
      id: String(flowId),
      flowId,
      clientAddress: isReversed ? packet.destination : packet.source,
      clientPort: isReversed ? packet.destinationPort : packet.sourcePort,
      serverAddress: isReversed ? packet.source : packet.destination,
      serverPort: isReversed ? packet.sourcePort : packet.destinationPort,
      openedAt: this.nowMs,
    }
    return new ReplayFlow(packet, connection, this.#ids.open(connection), this.#flowOptions)
  }

  #countApplication({ application, protocol, transactions }: ReplayFlow): void {
    if (application === null) return
    const { applications } = this.counts
    const isByTransport = application === 'dns' || application === 'failed'
    const name = isByTransport ? `${application}_${protocol === UDP ? 'udp' : 'tcp'}` : application
    const counted = applications.get(name) ?? { flows: 0, transactions: 0 }
    counted.flows += 1
    // A handshake is no transaction that Suricata counts.
    if (application !== 'tls') counted.transactions += transactions
    applications.set(name, counted)
  }

  #over(flow: ReplayFlow, reason: FlowEnd, lastMs: number): void {
    flow.close(lastMs)
    const { tcp } = flow
    if (tcp !== null) this.counts.gaps += tcp.gaps('to_server') + tcp.gaps('to_client')
    this.#countApplication(flow)
    this.counts.transactions += flow.transactions
    this.counts.alerts += flow.alerts
    this.#options.observer.flow(flow, reason)
  }
}

function otherEnd(sender: Sender): Sender {
  return sender === 'first' ? 'second' : sender === 'second' ? 'first' : 'either'
}

const ENDING: ReadonlySet<TcpState> = new Set([
  'last_ack',
  'close_wait',
  'closing',
  'time_wait',
  'closed',
])

/** A SYN with other numbers on a connection that is over, or that the sender does not know of, begins a new one. */
function isReused(flow: ReplayFlow, packet: Packet, direction: Flow): boolean {
  if (packet.tcp === null) return false
  const { flags, sequence } = packet.tcp
  if ((flags & SYN) === 0 || (flags & ACK) !== 0) return false
  const { tcp } = flow
  if (tcp === null) return false
  if (tcp.state === 'none') return direction === 'to_client'
  return ENDING.has(tcp.state) && ahead(sequence, tcp.isn(direction)) !== 0
}

/**
 * Of a TCP connection whose beginning is not there: the server answers, or has the well-known port. Where such connections
 * are not followed, who is seen first is the client, as with Suricata.
 */
function comesFromServer(
  { tcp, payload, sourcePort, destinationPort }: Packet,
  isFollowed: boolean,
): boolean {
  if (tcp === null) return false
  if ((tcp.flags & SYN) !== 0) return (tcp.flags & ACK) !== 0
  if (!isFollowed) return false
  if (payload.length > 7 && payload.toString('latin1', 0, 7) === 'HTTP/1.') return true
  return sourcePort < 1024 && destinationPort >= 1024
}
