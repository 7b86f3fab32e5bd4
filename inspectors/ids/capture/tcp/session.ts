import type { Flow } from '#inspectors/inspector.ts'
import { segmentPreference } from '../os-policy.ts'
import { ACK, FIN, type Packet, RST, SYN, type TcpFields, URG } from '../packet.ts'
import { isClosing, onClosing } from './closing.ts'
import { Conversation } from './conversation.ts'
import { type Judged, otherFlow, REFUSED } from './endpoint.ts'
import type { StreamSink } from './half-stream.ts'
import { onNone, onSynRecv, onSynSent } from './handshake.ts'
import { ahead, plus } from './sequence.ts'
import type { TcpSettings } from './settings.ts'

/** Where TCP bytes go once they are in order and the receiver has them. */
export interface TcpReceiver extends StreamSink {
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

const PASSED_BY: Taken = { isInStream: false, dropReason: null }
const IN_STREAM: Taken = { isInStream: true, dropReason: null }

/**
 * One TCP connection of a capture (RFC 9293), and its two streams put in order. Connection and state are one object, as
 * each packet touches both.
 *
 * A packet is first taken (`advance`: numbers, windows, timestamps and acknowledgements are checked, its bytes put in
 * order), then what it lets go is brought to the receiver (`deliver`). Packets that an end host would not take are refused,
 * with an event that says why; what is refused does not change the streams.
 */
export class TcpSession extends Conversation {
  readonly #receiver: TcpReceiver
  /** In line: payload of the newest packet, when all of it was let go before. */
  #repeated: Buffer | null = null

  /** @param addresses of the hosts, four or sixteen bytes, latin1 */
  constructor(
    receiver: TcpReceiver,
    settings: TcpSettings,
    addresses: { readonly client: string; readonly server: string },
  ) {
    super(settings, addresses)
    this.#receiver = receiver
  }

  /** Both sides have closed it and all that they sent was brought to the receiver: nothing will follow. */
  get isFinished(): boolean {
    if (this.state !== 'closed' || this.resetBy !== null) return false
    const { client, server } = this
    if (!client.isOver || !server.isOver) return false
    return client.isEmpty && server.isEmpty
  }

  /** Number of the SYN of one side. */
  isn(flow: Flow): number {
    return this.sender(flow).isn
  }

  /** Flags of all packets of one side, as far as a connection was followed for them. */
  flags(flow: Flow): number {
    return this.sender(flow).flags
  }

  gaps(flow: Flow): number {
    return this.sender(flow).gaps
  }

  regions(flow: Flow): number {
    return this.sender(flow).regions
  }

  advance(packet: Packet, flow: Flow): Taken {
    const { tcp } = packet
    if (tcp === null) return PASSED_BY
    if (this.settings.inline) this.#repeated = null
    if (this.oneSided !== null && this.oneSided !== flow) {
      this.oneSided = null
      this.isMidstream = true
    }
    if ((tcp.flags & ACK) === 0 && tcp.acknowledgement !== 0) packet.note('stream.pkt_broken_ack')
    const { state } = this
    const faults = packet.events.length
    const judged = this.#judge(packet, flow, tcp)
    // As Suricata counts: flags of packets that no connection was followed for are not told.
    if (this.state !== 'none') this.sender(flow).flags |= tcp.flags
    if (!judged.isAccepted) {
      const isFaulty = this.settings.inline && packet.events.length > faults
      return isFaulty ? { isInStream: false, dropReason: 'stream error' } : PASSED_BY
    }
    if (state === 'none' && this.state === 'none') return PASSED_BY
    const taken = this.#insert(packet, flow, tcp)
    const other = this.peer(flow)
    if ((tcp.flags & ACK) !== 0 && other.hasGapBefore(other.acked))
      packet.note('stream.reassembly_seq_gap')
    return taken
  }

  /** Brings what the packet lets go to the receiver. */
  deliver(packet: Packet, flow: Flow): void {
    const { tcp } = packet
    if (tcp === null || this.state === 'none') return
    // Of what comes before the handshake is over it is not known yet that the receiver takes it.
    const isEarly = this.state === 'syn_sent' || this.state === 'syn_recv'
    if (isEarly && !this.settings.inline) return
    if ((tcp.flags & ACK) !== 0) this.#release(otherFlow(flow))
    if (this.settings.inline || this.oneSided === flow) this.#release(flow)
    if (this.#repeated !== null) this.#receiver.again(flow, this.#repeated)
    this.#endWhenOver(otherFlow(flow))
    this.#endWhenOver(flow)
  }

  /** The capture, or the time that is given to the connection, is over. */
  end(): void {
    for (const flow of ['to_server', 'to_client'] as const) {
      this.sender(flow).flush(this.#receiver, flow)
      this.#endOnce(flow)
    }
  }

  /** It is finished: what was kept for bytes is given back. */
  rest(): void {
    this.client.rest()
    this.server.rest()
  }

  /** Gives the memory back. */
  close(): void {
    this.client.close()
    this.server.close()
  }

  #judge(packet: Packet, flow: Flow, tcp: TcpFields): Judged {
    const { state } = this
    if (state === 'none') return onNone(this, packet, flow, tcp)
    if (state === 'syn_sent') return onSynSent(this, packet, flow, tcp)
    if (state === 'syn_recv') return onSynRecv(this, packet, flow, tcp)
    if (state === 'closed') return this.#onClosed(packet, flow, tcp)
    if (isClosing(state)) return onClosing(this, packet, flow, tcp, state)
    if ((tcp.flags & RST) !== 0) return this.onReset(packet, flow, tcp)
    if ((tcp.flags & SYN) !== 0) return this.onSyn(packet, flow, tcp)
    if ((tcp.flags & FIN) !== 0) return this.onFin(packet, flow, tcp)
    if ((tcp.flags & ACK) === 0 && !this.isLoose) return REFUSED
    return this.established(packet, flow, tcp)
  }

  /** A host that goes on after a reset has not taken it: it was perhaps forged, and the connection lives. */
  #onClosed(packet: Packet, flow: Flow, tcp: TcpFields): Judged {
    if (this.resetBy !== otherFlow(flow) || (tcp.flags & (RST | SYN)) !== 0) return REFUSED
    const mine = this.sender(flow)
    const theirs = this.sender(this.resetBy)
    const isNewData = ahead(plus(tcp.sequence, packet.payload.length), mine.next) > 0
    const isNewAck = (tcp.flags & ACK) !== 0 && ahead(tcp.acknowledgement, theirs.next) > 0
    if (!isNewData && !isNewAck) return REFUSED
    packet.note('stream.suspected_rst_inject')
    this.resetBy = null
    this.state = this.stateBefore
    return this.#judge(packet, flow, tcp)
  }

  #insert(packet: Packet, flow: Flow, tcp: TcpFields): Taken {
    const mine = this.sender(flow)
    const { inline, urgent } = this.settings
    // Data with a SYN is taken with a fast-open cookie alone; that of a reset never.
    const isIdle = (tcp.flags & RST) !== 0 || ((tcp.flags & SYN) !== 0 && !this.hasFastOpen)
    if (!mine.isFollowed || packet.payload.length === 0 || isIdle)
      return isIdle ? PASSED_BY : IN_STREAM
    const first = (tcp.flags & SYN) === 0 ? tcp.sequence : plus(tcp.sequence, 1)
    if ((tcp.flags & URG) !== 0 && tcp.urgent > 0 && urgent !== 'inline') {
      if (urgent === 'drop' && inline) return { isInStream: false, dropReason: 'stream urgent' }
      if (urgent === 'gap' || urgent === 'drop') return PASSED_BY
      if (tcp.urgent <= packet.payload.length && !mine.takeOut(plus(first, tcp.urgent - 1)))
        packet.note('stream.urgent_oob_limit_reached')
    }
    const added = mine.add(first, packet.payload, segmentPreference(inline ? 'first' : mine.policy))
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
    if (inline && added.differs) packet.payload = mine.asHeld(first, packet.payload)
    if (inline && added.fresh === 0) this.#repeated = packet.payload
    return IN_STREAM
  }

  #release(flow: Flow): void {
    const end = this.sender(flow)
    const isOneSided = this.oneSided === flow
    end.release(
      isOneSided ? end.next : end.acked,
      this.settings.inline || isOneSided,
      this.#receiver,
      flow,
    )
  }

  /** A direction ends where its FIN stands; behind a reset nothing comes. */
  #endWhenOver(flow: Flow): void {
    const { finAt, isFollowed, nextInOrder } = this.sender(flow)
    if (finAt !== null && isFollowed && ahead(nextInOrder, finAt) >= 0) this.#endOnce(flow)
  }

  #endOnce(flow: Flow): void {
    const end = this.sender(flow)
    if (end.isOver) return
    end.isOver = true
    this.#receiver.end(flow)
  }
}
