import type { Flow } from '#inspectors/inspector.ts'
import { segmentPreference } from '../os-policy.ts'
import { ACK, FIN, type Packet, RST, SYN, type TcpFields, URG } from '../packet.ts'
import { isClosing, onClosing } from './closing.ts'
import {
  ACCEPTED,
  Endpoint,
  type Judged,
  otherFlow,
  REFUSED,
  refuse,
  type TcpState,
} from './endpoint.ts'
import { HalfStream, type StreamSink } from './half-stream.ts'
import { onNone, onSynRecv, onSynSent } from './handshake.ts'
import { ahead, plus } from './sequence.ts'
import type { TcpSettings } from './settings.ts'

/** Where TCP bytes go once they are in order and the receiver has them. */
export interface TcpReceiver {
  bytes(flow: Flow, bytes: Buffer): void
  /** So many bytes of the direction are missing. */
  gap(flow: Flow, bytes: number): void
  /** This direction is over. */
  end(flow: Flow): void
}

/** What becomes of a packet. */
export interface Taken {
  /** It belongs to the connection, and its bytes are in the stream. */
  readonly isInStream: boolean
  /** In line it is to be stopped, for this. */
  readonly dropReason: 'stream urgent' | 'stream error' | 'stream memcap' | null
}

const PASSED_BY: Taken = { isInStream: false, dropReason: null }
const IN_STREAM: Taken = { isInStream: true, dropReason: null }

/**
 * State of one TCP connection of a capture (RFC 9293), and its two streams put in order.
 *
 * A packet is first taken (`advance`: numbers, windows, timestamps and acknowledgements are checked, its bytes put in
 * order), then what it lets go is brought to the receiver (`deliver`). Packets that an end host would not take are refused,
 * with an event that says why; what is refused does not change the streams.
 */
export class TcpSession {
  readonly settings: TcpSettings
  readonly ends: Readonly<Record<Flow, Endpoint>>
  readonly flags: Record<Flow, number> = { to_server: 0, to_client: 0 }
  state: TcpState = 'none'
  /** Who sent the first SYN. */
  opener: Flow = 'to_server'
  isMidstream = false
  /** Direction that alone is to be seen; null: both are. */
  oneSided: Flow | null = null
  isFourWay = false
  hasFastOpen = false
  /** Its segments are signed. */
  isSigned = false
  hasTimestamps = false
  /** Numbers of the SYNs that were sent, and SYN/ACKs with other numbers. */
  readonly syns: number[] = []
  readonly synAcks: TcpFields[] = []
  nowMs = 0
  readonly #receiver: TcpReceiver
  readonly #sinks: Readonly<Record<Flow, StreamSink>>
  readonly #over: Record<Flow, boolean> = { to_server: false, to_client: false }
  #resetBy: Flow | null = null
  /** State before the reset. */
  #before: TcpState = 'none'

  /** @param policies of the hosts that receive what each direction carries */
  constructor(
    receiver: TcpReceiver,
    settings: TcpSettings,
    addresses: { readonly client: string; readonly server: string },
  ) {
    this.#receiver = receiver
    this.settings = settings
    this.ends = { to_server: new Endpoint(), to_client: new Endpoint() }
    this.ends.to_server.policy = settings.policyOf(addresses.server)
    this.ends.to_client.policy = settings.policyOf(addresses.client)
    const sink = (flow: Flow): StreamSink => ({
      bytes: (data) => receiver.bytes(flow, data),
      gap: (bytes) => receiver.gap(flow, bytes),
    })
    this.#sinks = { to_server: sink('to_server'), to_client: sink('to_client') }
  }

  get isEstablished(): boolean {
    return this.state !== 'none' && this.state !== 'syn_sent' && this.state !== 'syn_recv'
  }

  /** Windows and numbers are not known well enough to judge by. */
  get isLoose(): boolean {
    return this.isMidstream || this.oneSided !== null
  }

  gaps(flow: Flow): number {
    return this.ends[flow].half?.gaps ?? 0
  }

  advance(packet: Packet, flow: Flow, nowMs: number): Taken {
    const { tcp } = packet
    if (tcp === null) return PASSED_BY
    this.nowMs = nowMs
    if (this.oneSided !== null && this.oneSided !== flow) {
      this.oneSided = null
      this.isMidstream = true
    }
    if ((tcp.flags & ACK) === 0 && tcp.acknowledgement !== 0) packet.note('stream.pkt_broken_ack')
    const { state } = this
    const faults = packet.events.length
    const judged = this.#judge(packet, flow, tcp)
    // As Suricata counts: flags of packets that no connection was followed for are not told.
    if (this.state !== 'none') this.flags[flow] |= tcp.flags
    if (!judged.isAccepted) {
      const isFaulty = this.settings.inline && packet.events.length > faults
      return isFaulty ? { isInStream: false, dropReason: 'stream error' } : PASSED_BY
    }
    if (state === 'none' && this.state === 'none') return PASSED_BY
    const taken = this.#insert(packet, flow, tcp)
    const other = this.ends[otherFlow(flow)]
    if ((tcp.flags & ACK) !== 0 && other.half?.hasGapBefore(other.acked) === true)
      packet.note('stream.reassembly_seq_gap')
    return taken
  }

  /** Brings what the packet lets go to the receiver. */
  deliver(packet: Packet, flow: Flow): void {
    const { tcp } = packet
    if (tcp === null || this.state === 'none') return
    if ((tcp.flags & ACK) !== 0) this.#release(otherFlow(flow))
    this.#release(flow)
    this.#endWhenOver(otherFlow(flow))
    this.#endWhenOver(flow)
  }

  /** The capture, or the time that is given to the connection, is over. */
  end(): void {
    for (const flow of ['to_server', 'to_client'] as const) {
      this.ends[flow].half?.flush(this.#sinks[flow])
      this.#endOnce(flow)
    }
  }

  /** Gives the memory back. */
  close(): void {
    this.ends.to_server.half?.close()
    this.ends.to_client.half?.close()
  }

  /** A direction is followed from this number on. */
  follow(flow: Flow, from: number): void {
    const end = this.ends[flow]
    end.half?.close()
    end.half = new HalfStream(from, this.settings.memory, this.settings.depth)
  }

  /** Data and acknowledgements of a connection whose handshake is over. */
  established(packet: Packet, flow: Flow, tcp: TcpFields): Judged {
    const mine = this.ends[flow]
    const theirs = this.ends[otherFlow(flow)]
    if (!this.takeTimestamp(packet, flow, tcp)) return REFUSED
    if (!this.isLoose && !theirs.isAckSound(tcp.acknowledgement)) {
      packet.note('stream.pkt_invalid_ack')
      return refuse(packet, 'est_invalid_ack')
    }
    const bytes = packet.payload.length
    const end = plus(tcp.sequence, bytes)
    const isKeepAlive = bytes <= 1 && ahead(tcp.sequence, mine.next) === -1
    if (isKeepAlive) {
      theirs.acknowledge(tcp.acknowledgement, tcp.window << mine.scale)
      return REFUSED
    }
    if (bytes > 0 && ahead(end, mine.acked) <= 0 && this.oneSided === null) {
      packet.note('stream.est_pkt_before_last_ack')
      return refuse(packet, 'pkt_spurious_retransmission')
    }
    const isProbe = bytes === 1 && mine.room === 0
    if (!this.isLoose && !isProbe && ahead(end, mine.edge) > 0)
      return refuse(packet, 'est_packet_out_of_window')
    if (bytes > 0 && ahead(end, mine.next) <= 0) packet.note('stream.pkt_retransmission')
    this.take(packet, flow, tcp)
    return ACCEPTED
  }

  /** What an accepted packet says of both ends. */
  take(packet: Packet, flow: Flow, tcp: TcpFields): void {
    const mine = this.ends[flow]
    mine.sent(plus(tcp.sequence, packet.payload.length))
    if ((tcp.flags & ACK) === 0) return
    this.ends[otherFlow(flow)].acknowledge(tcp.acknowledgement, tcp.window << mine.scale)
  }

  takeTimestamp(packet: Packet, flow: Flow, tcp: TcpFields): boolean {
    if (!this.hasTimestamps || tcp.timestamp === null) return true
    if (this.ends[flow].takeTimestamp(tcp.timestamp, tcp.sequence, this.nowMs)) return true
    packet.note('stream.pkt_invalid_timestamp')
    return false
  }

  /** A FIN that ends at a number was accepted. */
  noteFin(flow: Flow, end: number): void {
    const mine = this.ends[flow]
    mine.finAt = end
    mine.sent(plus(end, 1))
  }

  onFin(packet: Packet, flow: Flow, tcp: TcpFields): Judged {
    const mine = this.ends[flow]
    const theirs = this.ends[otherFlow(flow)]
    if (!this.takeTimestamp(packet, flow, tcp)) return REFUSED
    if ((tcp.flags & ACK) !== 0 && !this.isLoose && !theirs.isAckSound(tcp.acknowledgement))
      return refuse(packet, 'fin_invalid_ack')
    const end = plus(tcp.sequence, packet.payload.length)
    if (!this.isLoose && (ahead(end, mine.acked) < 0 || ahead(end, plus(mine.edge, 1)) > 0))
      return refuse(packet, 'fin_out_of_window')
    this.take(packet, flow, tcp)
    this.noteFin(flow, end)
    this.state = flow === 'to_server' ? 'close_wait' : 'fin_wait1'
    return ACCEPTED
  }

  /**
   * A forged reset is one that the receiver would not take: most hosts take only the very next number; Linux and Solaris
   * any in the window, HP-UX 11 any behind it.
   */
  onReset(packet: Packet, flow: Flow, tcp: TcpFields): Judged {
    const mine = this.ends[flow]
    const theirs = this.ends[otherFlow(flow)]
    // Hosts ignore a signed segment where no signature was agreed on.
    if (tcp.isSigned && !this.isSigned) return refuse(packet, 'suspected_rst_inject')
    const hasAck = (tcp.flags & ACK) !== 0 && tcp.acknowledgement !== 0
    if (hasAck && !this.isLoose && !theirs.isAckSound(tcp.acknowledgement))
      return refuse(packet, 'rst_invalid_ack')
    if (!this.isLoose && !this.#isResetSound(tcp.sequence, packet.payload.length, mine))
      return refuse(packet, 'rst_invalid_ack')
    if (hasAck) theirs.acknowledge(tcp.acknowledgement, tcp.window << mine.scale)
    this.reset(flow)
    return ACCEPTED
  }

  reset(flow: Flow): void {
    this.#before = this.state
    this.state = 'closed'
    this.#resetBy = flow
    this.ends[flow].hasReset = true
  }

  #isResetSound(sequence: number, bytes: number, sender: Endpoint): boolean {
    const { policy } = sender
    if (policy === 'hpux11') return ahead(sequence, sender.next) >= 0
    if (policy.endsWith('linux') || policy.endsWith('solaris'))
      return ahead(plus(sequence, bytes), sender.acked) >= 0 && ahead(sequence, sender.edge) <= 0
    return sequence === sender.next || sequence === sender.acked
  }

  #judge(packet: Packet, flow: Flow, tcp: TcpFields): Judged {
    const { state } = this
    if (state === 'none') return onNone(this, packet, flow, tcp)
    if (state === 'syn_sent') return onSynSent(this, packet, flow, tcp)
    if (state === 'syn_recv') return onSynRecv(this, packet, flow, tcp)
    if (state === 'closed') return this.#onClosed(packet, flow, tcp)
    if (isClosing(state)) return onClosing(this, packet, flow, tcp, state)
    if ((tcp.flags & RST) !== 0) return this.onReset(packet, flow, tcp)
    if ((tcp.flags & SYN) !== 0) return this.#onSyn(packet, flow, tcp)
    if ((tcp.flags & FIN) !== 0) return this.onFin(packet, flow, tcp)
    if ((tcp.flags & ACK) === 0 && !this.isLoose) return REFUSED
    return this.established(packet, flow, tcp)
  }

  /** A host that goes on after a reset has not taken it: it was perhaps forged, and the connection lives. */
  #onClosed(packet: Packet, flow: Flow, tcp: TcpFields): Judged {
    if (this.#resetBy !== otherFlow(flow) || (tcp.flags & (RST | SYN)) !== 0) return REFUSED
    const mine = this.ends[flow]
    const theirs = this.ends[this.#resetBy]
    const isNewData = ahead(plus(tcp.sequence, packet.payload.length), mine.next) > 0
    const isNewAck = (tcp.flags & ACK) !== 0 && ahead(tcp.acknowledgement, theirs.next) > 0
    if (!isNewData && !isNewAck) return REFUSED
    packet.note('stream.suspected_rst_inject')
    this.#resetBy = null
    this.state = this.#before
    return this.#judge(packet, flow, tcp)
  }

  #onSyn(packet: Packet, flow: Flow, tcp: TcpFields): Judged {
    const mine = this.ends[flow]
    if ((tcp.flags & ACK) !== 0) {
      if (flow === this.opener) return refuse(packet, 'est_synack_toserver')
      if (tcp.acknowledgement !== plus(this.ends[this.opener].isn, 1) && !this.isLoose)
        return refuse(packet, 'est_synack_resend_with_different_ack')
      if (tcp.sequence !== mine.isn) return refuse(packet, 'est_synack_resend_with_diff_seq')
      return refuse(packet, 'est_synack_resend')
    }
    if (flow !== this.opener) return refuse(packet, 'est_syn_toclient')
    return refuse(packet, tcp.sequence === mine.isn ? 'est_syn_resend' : 'est_syn_resend_diff_seq')
  }

  #insert(packet: Packet, flow: Flow, tcp: TcpFields): Taken {
    const { half, policy } = this.ends[flow]
    const { inline, urgent } = this.settings
    const isReset = (tcp.flags & RST) !== 0
    if (half === null || packet.payload.length === 0 || isReset)
      return { isInStream: !isReset, dropReason: null }
    const first = (tcp.flags & SYN) === 0 ? tcp.sequence : plus(tcp.sequence, 1)
    if ((tcp.flags & URG) !== 0 && tcp.urgent > 0 && urgent !== 'inline') {
      if (urgent === 'drop' && inline) return { isInStream: false, dropReason: 'stream urgent' }
      if (urgent === 'gap' || urgent === 'drop') return PASSED_BY
      if (tcp.urgent <= packet.payload.length && !half.takeOut(plus(first, tcp.urgent - 1)))
        packet.note('stream.urgent_oob_limit_reached')
    }
    const added = half.add(first, packet.payload, segmentPreference(inline ? 'first' : policy))
    if (added === 'before') {
      packet.note('stream.reassembly_segment_before_base_seq')
      return PASSED_BY
    }
    if (added === 'depth') {
      packet.note('stream.reassembly_depth_reached')
      return IN_STREAM
    }
    if (added === 'memory') {
      packet.note('stream.reassembly_insert_memcap')
      return { isInStream: false, dropReason: inline ? 'stream memcap' : null }
    }
    if (added.differs) packet.note('stream.reassembly_overlap_different_data')
    // In line, what reaches the receiver second is made what it got first.
    if (inline && added.differs) packet.payload = half.asHeld(first, packet.payload)
    return IN_STREAM
  }

  #release(flow: Flow): void {
    const { half, acked, next } = this.ends[flow]
    if (half === null) return
    const isOneSided = this.oneSided === flow
    half.release(isOneSided ? next : acked, this.settings.inline || isOneSided, this.#sinks[flow])
  }

  /** A direction ends where its FIN stands; behind a reset nothing comes. */
  #endWhenOver(flow: Flow): void {
    const { finAt, half } = this.ends[flow]
    if (finAt !== null && half !== null && ahead(half.next, finAt) >= 0) this.#endOnce(flow)
  }

  #endOnce(flow: Flow): void {
    if (this.#over[flow]) return
    this.#over[flow] = true
    this.#receiver.end(flow)
  }
}
