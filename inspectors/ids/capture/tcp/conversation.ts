import type { Flow } from '#inspectors/inspector.ts'
import { ACK, type Packet, type TcpFields } from '../packet.ts'
import { ACCEPTED, Endpoint, type Judged, REFUSED, refuse, type TcpState } from './endpoint.ts'
import { ahead, plus } from './sequence.ts'
import type { TcpSettings } from './settings.ts'

/** State of one TCP connection and of its two ends, and what packets of an open connection make of them. */
export class Conversation {
  readonly settings: TcpSettings
  readonly client: Endpoint
  readonly server: Endpoint
  state: TcpState = 'none'
  isMidstream = false
  /** Direction that alone is to be seen; null: both are. */
  oneSided: Flow | null = null
  hasTimestamps = false
  /** Who has reset it; null: nobody. */
  resetBy: Flow | null = null
  /** State before the reset. */
  stateBefore: TcpState = 'none'
  /** Who sent the first SYN. */
  opener: Flow = 'to_server'
  isFourWay = false
  hasFastOpen = false
  /** Its segments are signed. */
  isSigned = false
  /** Numbers of the SYNs that were sent, where these are several; null: the opener's own is the only one. */
  syns: number[] | null = null
  /** Timestamps of the SYNs that were sent; null: they had none. */
  synTimestamps: number[] | null = null
  /** SYN/ACKs with other numbers; null: none came. */
  synAcks: TcpFields[] | null = null

  /** @param addresses of the hosts, four or sixteen bytes, latin1 */
  constructor(
    settings: TcpSettings,
    addresses: { readonly client: string; readonly server: string },
  ) {
    this.settings = settings
    this.client = new Endpoint(settings.policyOf(addresses.server), settings)
    this.server = new Endpoint(settings.policyOf(addresses.client), settings)
  }

  /** The end that sends in a direction. */
  sender(flow: Flow): Endpoint {
    return flow === 'to_server' ? this.client : this.server
  }

  /** The end that receives what is sent in a direction. */
  peer(flow: Flow): Endpoint {
    return flow === 'to_server' ? this.server : this.client
  }

  get isEstablished(): boolean {
    return this.state !== 'none' && this.state !== 'syn_sent' && this.state !== 'syn_recv'
  }

  /** Windows and numbers are not known well enough to judge by. */
  get isLoose(): boolean {
    return this.isMidstream || this.oneSided !== null
  }

  /** Data and acknowledgements of a connection whose handshake is over. */
  established(packet: Packet, flow: Flow, tcp: TcpFields): Judged {
    const mine = this.sender(flow)
    const theirs = this.peer(flow)
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
    const mine = this.sender(flow)
    mine.sent(plus(tcp.sequence, packet.payload.length))
    if ((tcp.flags & ACK) === 0) return
    this.peer(flow).acknowledge(tcp.acknowledgement, tcp.window << mine.scale)
  }

  takeTimestamp(packet: Packet, flow: Flow, tcp: TcpFields): boolean {
    if (!this.hasTimestamps || tcp.timestamp === null) return true
    if (this.sender(flow).takeTimestamp(tcp.timestamp, tcp.sequence, this.settings.nowMs()))
      return true
    packet.note('stream.pkt_invalid_timestamp')
    return false
  }

  /** A FIN that ends at a number was accepted. */
  noteFin(flow: Flow, end: number): void {
    const mine = this.sender(flow)
    mine.finAt = end
    mine.sent(plus(end, 1))
  }

  onFin(packet: Packet, flow: Flow, tcp: TcpFields): Judged {
    const mine = this.sender(flow)
    const theirs = this.peer(flow)
    if (!this.takeTimestamp(packet, flow, tcp)) return REFUSED
    if ((tcp.flags & ACK) !== 0 && !this.isLoose && !theirs.isAckSound(tcp.acknowledgement))
      return refuse(packet, 'fin_invalid_ack')
    const end = plus(tcp.sequence, packet.payload.length)
    // Who was never answered has no room.
    if (this.oneSided === flow && mine.room === 0) return refuse(packet, 'fin_out_of_window')
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
    const mine = this.sender(flow)
    const theirs = this.peer(flow)
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
    this.stateBefore = this.state
    this.state = 'closed'
    this.resetBy = flow
    this.sender(flow).hasReset = true
  }

  #isResetSound(sequence: number, bytes: number, sender: Endpoint): boolean {
    const { policy } = sender
    if (policy === 'hpux11') return ahead(sequence, sender.next) >= 0
    if (policy.endsWith('linux') || policy.endsWith('solaris'))
      return ahead(plus(sequence, bytes), sender.acked) >= 0 && ahead(sequence, sender.edge) <= 0
    return sequence === sender.next || sequence === sender.acked
  }

  /** A SYN on an open connection. */
  onSyn(packet: Packet, flow: Flow, tcp: TcpFields): Judged {
    const mine = this.sender(flow)
    if ((tcp.flags & ACK) !== 0) {
      if (flow === this.opener) return refuse(packet, 'est_synack_toserver')
      if (tcp.acknowledgement !== plus(this.sender(this.opener).isn, 1) && !this.isLoose)
        return refuse(packet, 'est_synack_resend_with_different_ack')
      if (tcp.sequence !== mine.isn) return refuse(packet, 'est_synack_resend_with_diff_seq')
      return refuse(packet, 'est_synack_resend')
    }
    if (flow !== this.opener) return refuse(packet, 'est_syn_toclient')
    return refuse(packet, tcp.sequence === mine.isn ? 'est_syn_resend' : 'est_syn_resend_diff_seq')
  }
}
