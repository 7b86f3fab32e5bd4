import type { Flow } from '#inspectors/inspector.ts'
import { HalfStream } from './half-stream.ts'
import { ACK, FIN, type Packet, RST, SYN } from './packet.ts'

export type TcpState =
  | 'syn_sent'
  | 'syn_recv'
  | 'established'
  | 'fin_wait1'
  | 'fin_wait2'
  | 'closed'

/** Where TCP bytes go once they are in order. */
export interface TcpReceiver {
  bytes(flow: Flow, bytes: Buffer): void
  /** This direction is over. */
  end(flow: Flow): void
}

/** State of one TCP connection of a capture, and its streams put in order. */
export class TcpConnection {
  readonly #receiver: TcpReceiver
  readonly #halves: Record<Flow, HalfStream | null> = { to_server: null, to_client: null }
  readonly flags: Record<Flow, number> = { to_server: 0, to_client: 0 }
  readonly #ended: Record<Flow, boolean> = { to_server: false, to_client: false }
  readonly #isMidstream: boolean
  #finAt: Record<Flow, number | null> = { to_server: null, to_client: null }
  state: TcpState = 'syn_sent'

  constructor(receiver: TcpReceiver, isMidstream: boolean) {
    this.#receiver = receiver
    this.#isMidstream = isMidstream
    if (isMidstream) this.state = 'established'
  }

  get isEstablished(): boolean {
    return this.state !== 'syn_sent' && this.state !== 'syn_recv'
  }

  gaps(flow: Flow): number {
    return this.#halves[flow]?.gaps ?? 0
  }

  /** Takes the state to what the packet makes of it; its bytes follow with `deliver`. */
  advance(packet: Packet, flow: Flow): void {
    const { tcp } = packet
    if (tcp === null) return
    this.flags[flow] |= tcp.flags
    const isSyn = (tcp.flags & SYN) !== 0
    const isAck = (tcp.flags & ACK) !== 0
    if (isSyn && isAck && flow === 'to_client' && this.state === 'syn_sent') this.state = 'syn_recv'
    else if (!isSyn && isAck && flow === 'to_server' && this.state === 'syn_recv')
      this.state = 'established'
    if (isSyn) this.#halves[flow] ??= new HalfStream((tcp.sequence + 1) >>> 0)
    else if (packet.payload.length > 0 && this.#isMidstream)
      this.#halves[flow] ??= new HalfStream(tcp.sequence)
  }

  /** Brings the packet's bytes, and what they set free, to the receiver. */
  deliver(packet: Packet, flow: Flow): void {
    const { tcp } = packet
    const half = this.#halves[flow]
    if (tcp === null) return
    const first = (tcp.sequence + ((tcp.flags & SYN) !== 0 ? 1 : 0)) >>> 0
    if ((tcp.flags & ACK) !== 0) this.#acknowledge(other(flow), tcp.acknowledgement)
    if ((tcp.flags & RST) !== 0) {
      this.#reset(first, half)
      return
    }
    if (half === null) return
    for (const bytes of half.push(first, packet.payload)) this.#receiver.bytes(flow, bytes)
    if ((tcp.flags & FIN) !== 0) this.#finAt[flow] = (first + packet.payload.length) >>> 0
    if (this.#finAt[flow] !== null && ((half.next - this.#finAt[flow]) | 0) >= 0) this.#fin(flow)
  }

  /** The capture, or the time that is given to the connection, is over. */
  end(): void {
    for (const flow of ['to_server', 'to_client'] as const) {
      for (const bytes of this.#halves[flow]?.flush() ?? []) this.#receiver.bytes(flow, bytes)
      this.#endOnce(flow)
    }
  }

  #acknowledge(flow: Flow, number: number): void {
    const half = this.#halves[flow]
    if (half === null) return
    for (const bytes of half.acknowledge(number)) this.#receiver.bytes(flow, bytes)
  }

  /** A reset whose number lies before what was received is a forged or late one. */
  #reset(first: number, half: HalfStream | null): void {
    if (half !== null && ((first - half.next) | 0) < 0) return
    this.state = 'closed'
    this.end()
  }

  #fin(flow: Flow): void {
    this.#endOnce(flow)
    const isBoth = this.#ended.to_server && this.#ended.to_client
    if (isBoth) this.state = 'closed'
    else if (this.isEstablished) this.state = flow === 'to_server' ? 'fin_wait1' : 'fin_wait2'
  }

  #endOnce(flow: Flow): void {
    if (this.#ended[flow]) return
    this.#ended[flow] = true
    this.#receiver.end(flow)
  }
}

function other(flow: Flow): Flow {
  return flow === 'to_server' ? 'to_client' : 'to_server'
}
