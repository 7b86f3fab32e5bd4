import type { Flow } from '#inspectors/inspector.ts'
import { segmentPreference } from '../os-policy.ts'
import { ACK, FIN, type Packet, RST, SYN, type TcpFields, URG } from '../packet.ts'
import { isClosing, onClosing } from './closing.ts'
import { Conversation } from './conversation.ts'
import { type Judged, otherFlow, REFUSED, type TcpState } from './endpoint.ts'
import type { StreamSink } from './half-stream.ts'
import { onNone, onSynRecv, onSynSent } from './handshake.ts'
import { ahead, plus } from './sequence.ts'
import type { TcpSettings } from './settings.ts'

/** Where TCP bytes go once they are in order and the receiver has them. */
export interface TcpReceiver {
  bytes(flow: Flow, bytes: Buffer): void
  /** So many bytes of the direction are missing. */
  gap(flow: Flow, bytes: number): void
  /** In line: bytes that were let go already came again. */
  again(flow: Flow, bytes: Buffer): void
  /** This direction is over. */
  end(flow: Flow): void
}

/** What becomes of a packet. */
export interface Taken {
  /** It belongs to the connection, and its bytes are in the stream. */
  readonly isInStream: boolean
  /** In line it is to be stopped, for this. */
  readonly dropReason: 'stream urgent' | 'stream error' | null
  /** There was no memory for its bytes. */
  readonly isOverMemory?: true
}

/** Where the bytes of one direction go. */
class DirectedSink implements StreamSink {
  readonly #receiver: TcpReceiver
  readonly #flow: Flow

  constructor(receiver: TcpReceiver, flow: Flow) {
    this.#receiver = receiver
    this.#flow = flow
  }

  bytes(data: Buffer): void {
    this.#receiver.bytes(this.#flow, data)
  }

  gap(bytes: number): void {
    this.#receiver.gap(this.#flow, bytes)
  }
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
  readonly #talk: Conversation
  readonly flags: Record<Flow, number> = { to_server: 0, to_client: 0 }
  readonly #receiver: TcpReceiver
  readonly #sinks: Readonly<Record<Flow, StreamSink>>
  readonly #over: Record<Flow, boolean> = { to_server: false, to_client: false }
  /** In line: payload of the newest packet, when all of it was let go before. */
  #repeated: Buffer | null = null

  /** @param addresses of the hosts, four or sixteen bytes, latin1 */
  constructor(
    receiver: TcpReceiver,
    settings: TcpSettings,
    addresses: { readonly client: string; readonly server: string },
  ) {
    this.#receiver = receiver
    this.#talk = new Conversation(settings, addresses)
    this.#sinks = {
      to_server: new DirectedSink(receiver, 'to_server'),
      to_client: new DirectedSink(receiver, 'to_client'),
    }
  }

  get state(): TcpState {
    return this.#talk.state
  }

  get isEstablished(): boolean {
    return this.#talk.isEstablished
  }

  /** Both sides have closed it and all that they sent was brought to the receiver: nothing will follow. */
  get isFinished(): boolean {
    const { state, resetBy, ends } = this.#talk
    if (state !== 'closed' || resetBy !== null) return false
    if (!this.#over.to_server || !this.#over.to_client) return false
    return ends.to_server.half?.isEmpty !== false && ends.to_client.half?.isEmpty !== false
  }

  /** Number of the SYN of one side. */
  isn(flow: Flow): number {
    return this.#talk.end(flow).isn
  }

  gaps(flow: Flow): number {
    return this.#talk.end(flow).half?.gaps ?? 0
  }

  regions(flow: Flow): number {
    return this.#talk.end(flow).half?.regions ?? 1
  }

  advance(packet: Packet, flow: Flow, nowMs: number): Taken {
    const { tcp } = packet
    if (tcp === null) return PASSED_BY
    this.#talk.nowMs = nowMs
    this.#repeated = null
    if (this.#talk.oneSided !== null && this.#talk.oneSided !== flow) {
      this.#talk.oneSided = null
      this.#talk.isMidstream = true
    }
    if ((tcp.flags & ACK) === 0 && tcp.acknowledgement !== 0) packet.note('stream.pkt_broken_ack')
    const { state } = this
    const faults = packet.events.length
    const judged = this.#judge(packet, flow, tcp)
    // As Suricata counts: flags of packets that no connection was followed for are not told.
    if (this.state !== 'none') {
      if (flow === 'to_server') this.flags.to_server |= tcp.flags
      else this.flags.to_client |= tcp.flags
    }
    if (!judged.isAccepted) {
      const isFaulty = this.#talk.settings.inline && packet.events.length > faults
      return isFaulty ? { isInStream: false, dropReason: 'stream error' } : PASSED_BY
    }
    if (state === 'none' && this.state === 'none') return PASSED_BY
    const taken = this.#insert(packet, flow, tcp)
    const other = this.#talk.end(otherFlow(flow))
    if ((tcp.flags & ACK) !== 0 && other.half?.hasGapBefore(other.acked) === true)
      packet.note('stream.reassembly_seq_gap')
    return taken
  }

  /** Brings what the packet lets go to the receiver. */
  deliver(packet: Packet, flow: Flow): void {
    const { tcp } = packet
    if (tcp === null || this.state === 'none') return
    // Of what comes before the handshake is over it is not known yet that the receiver takes it.
    const isEarly = this.state === 'syn_sent' || this.state === 'syn_recv'
    if (isEarly && !this.#talk.settings.inline) return
    if ((tcp.flags & ACK) !== 0) this.#release(otherFlow(flow))
    if (this.#talk.settings.inline || this.#talk.oneSided === flow) this.#release(flow)
    if (this.#repeated !== null) this.#receiver.again(flow, this.#repeated)
    this.#endWhenOver(otherFlow(flow))
    this.#endWhenOver(flow)
  }

  /** The capture, or the time that is given to the connection, is over. */
  end(): void {
    for (const flow of ['to_server', 'to_client'] as const) {
      this.#talk.end(flow).half?.flush(this.#sinks[flow])
      this.#endOnce(flow)
    }
  }

  /** Gives the memory back. */
  close(): void {
    this.#talk.ends.to_server.half?.close()
    this.#talk.ends.to_client.half?.close()
  }

  #judge(packet: Packet, flow: Flow, tcp: TcpFields): Judged {
    const { state } = this
    if (state === 'none') return onNone(this.#talk, packet, flow, tcp)
    if (state === 'syn_sent') return onSynSent(this.#talk, packet, flow, tcp)
    if (state === 'syn_recv') return onSynRecv(this.#talk, packet, flow, tcp)
    if (state === 'closed') return this.#onClosed(packet, flow, tcp)
    if (isClosing(state)) return onClosing(this.#talk, packet, flow, tcp, state)
    if ((tcp.flags & RST) !== 0) return this.#talk.onReset(packet, flow, tcp)
    if ((tcp.flags & SYN) !== 0) return this.#talk.onSyn(packet, flow, tcp)
    if ((tcp.flags & FIN) !== 0) return this.#talk.onFin(packet, flow, tcp)
    if ((tcp.flags & ACK) === 0 && !this.#talk.isLoose) return REFUSED
    return this.#talk.established(packet, flow, tcp)
  }

  /** A host that goes on after a reset has not taken it: it was perhaps forged, and the connection lives. */
  #onClosed(packet: Packet, flow: Flow, tcp: TcpFields): Judged {
    if (this.#talk.resetBy !== otherFlow(flow) || (tcp.flags & (RST | SYN)) !== 0) return REFUSED
    const mine = this.#talk.end(flow)
    const theirs = this.#talk.ends[this.#talk.resetBy]
    const isNewData = ahead(plus(tcp.sequence, packet.payload.length), mine.next) > 0
    const isNewAck = (tcp.flags & ACK) !== 0 && ahead(tcp.acknowledgement, theirs.next) > 0
    if (!isNewData && !isNewAck) return REFUSED
    packet.note('stream.suspected_rst_inject')
    this.#talk.resetBy = null
    this.#talk.state = this.#talk.stateBefore
    return this.#judge(packet, flow, tcp)
  }

  #insert(packet: Packet, flow: Flow, tcp: TcpFields): Taken {
    const { half, policy } = this.#talk.end(flow)
    const { inline, urgent } = this.#talk.settings
    // Data with a SYN is taken with a fast-open cookie alone; that of a reset never.
    const isIdle = (tcp.flags & RST) !== 0 || ((tcp.flags & SYN) !== 0 && !this.#talk.hasFastOpen)
    if (half === null || packet.payload.length === 0 || isIdle)
      return isIdle ? PASSED_BY : IN_STREAM
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
      return { isInStream: false, dropReason: null, isOverMemory: true }
    }
    if (added.differs) packet.note('stream.reassembly_overlap_different_data')
    // In line, what reaches the receiver second is made what it got first.
    if (inline && added.differs) packet.payload = half.asHeld(first, packet.payload)
    if (inline && added.fresh === 0) this.#repeated = packet.payload
    return IN_STREAM
  }

  #release(flow: Flow): void {
    const { half, acked, next } = this.#talk.end(flow)
    if (half === null) return
    const isOneSided = this.#talk.oneSided === flow
    half.release(
      isOneSided ? next : acked,
      this.#talk.settings.inline || isOneSided,
      flow === 'to_server' ? this.#sinks.to_server : this.#sinks.to_client,
    )
  }

  /** A direction ends where its FIN stands; behind a reset nothing comes. */
  #endWhenOver(flow: Flow): void {
    const { finAt, half } = this.#talk.end(flow)
    if (finAt !== null && half !== null && ahead(half.next, finAt) >= 0) this.#endOnce(flow)
  }

  #endOnce(flow: Flow): void {
    if (this.#over[flow]) return
    this.#over[flow] = true
    this.#receiver.end(flow)
  }
}
