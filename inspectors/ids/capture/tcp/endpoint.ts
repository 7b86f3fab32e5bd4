import type { StreamEvent } from '#signatures/suricata/packet-events.ts'
import type { Flow } from '#inspectors/inspector.ts'
import type { OsPolicy } from '../os-policy.ts'
import type { Packet, TcpFields } from '../packet.ts'
import { HalfStream, type StreamLimits } from './half-stream.ts'
import { ahead, plus } from './sequence.ts'

export type TcpState =
  | 'none'
  | 'syn_sent'
  | 'syn_recv'
  | 'established'
  | 'fin_wait1'
  | 'fin_wait2'
  | 'time_wait'
  | 'last_ack'
  | 'close_wait'
  | 'closing'
  | 'closed'

/** Largest shift of a window (RFC 7323, 2.3); taken where the handshake was not seen. */
export const MAX_SCALE = 14
/** 24 days: after so long without a packet a timestamp says nothing (RFC 7323, 5.5). */
const TIMESTAMP_AGE_SECONDS = 2_073_600

/**
 * One end of a connection: what it has sent, and what of that its peer has acknowledged. Numbers are signed words. It is one
 * object with the stream that it sends, as each packet touches both; what most packets ask for stands first.
 */
export class Endpoint extends HalfStream {
  /** Number behind the highest byte it has sent. */
  next = 0
  /** Number up to which its peer has acknowledged. */
  acked = 0
  /** Number behind the last byte that its peer has room for. */
  edge = 0
  /** Room that its peer announced last, bytes. */
  room = 0
  /** Shift of the windows that it announces. */
  scale = 0
  /** Flags of all packets that it sent. */
  flags = 0
  /** Number of its FIN; null: it sent none. */
  finAt: number | null = null
  /** All that it sent was brought to the receiver. */
  isOver = false
  /** Of the host that receives what it sends. */
  readonly policy: OsPolicy
  timestamp = 0
  /** Seconds since the epoch, a signed word as well. */
  timestampSeconds = 0
  isn = 0
  /** Room that it announced with its SYN. */
  announced = 0
  hasScale = false
  hasTimestamps = false
  hasReset = false

  constructor(policy: OsPolicy, limits: StreamLimits) {
    super(limits)
    this.policy = policy
  }

  /** Its SYN. */
  open(tcp: TcpFields, nowMs: number): void {
    this.isn = tcp.sequence
    this.next = plus(tcp.sequence, 1)
    this.acked = tcp.sequence
    this.edge = this.next
    this.announced = tcp.window
    this.hasScale = tcp.windowScale >= 0
    this.scale = Math.max(0, tcp.windowScale)
    this.hasTimestamps = tcp.timestamp !== null
    this.timestamp = tcp.timestamp ?? 0
    this.timestampSeconds = wholeSeconds(nowMs)
  }

  /** It is met in the midst of its connection, and this is what it sends next. */
  join(sequence: number): void {
    this.isn = plus(sequence, -1)
    this.next = sequence
    this.acked = sequence
    this.edge = plus(sequence, 0x3fff_ffff)
    this.room = 0x3fff_ffff
    this.scale = MAX_SCALE
    this.hasScale = true
  }

  /** Its peer acknowledges and announces room. @param window as shifted */
  acknowledge(number: number, window: number): void {
    if (ahead(number, this.acked) > 0) this.acked = number
    this.room = window
    const edge = plus(number, window)
    if (ahead(edge, this.edge) > 0) this.edge = edge
  }

  sent(end: number): void {
    if (ahead(end, this.next) > 0) this.next = end
  }

  /**
   * RFC 7323, 5.3: an older timestamp than the newest is that of an old packet, or of a forged one. Linux lets one tick
   * pass; HP-UX 11 does not look.
   *
   * @returns false when the packet is not for the stream
   */
  takeTimestamp(value: number, sequence: number, nowMs: number): boolean {
    const slack = this.policy === 'linux' || this.policy === 'windows2k3' ? 1 : 0
    const seconds = wholeSeconds(nowMs)
    const isStale = ahead(seconds, this.timestampSeconds) > TIMESTAMP_AGE_SECONDS
    const step = ahead(value, this.timestamp)
    const isOld = this.timestamp !== 0 && !isStale && step + slack < 0
    if (isOld && this.policy !== 'hpux11') return false
    if (step > 0 || isStale || this.timestamp === 0) {
      if (ahead(sequence, this.next) <= 0) {
        this.timestamp = value
        this.timestampSeconds = seconds
      }
    } else if (step === 0) this.timestampSeconds = seconds
    return true
  }

  /** An acknowledgement of what it has not sent, or of what lies far back, is none. */
  isAckSound(number: number): boolean {
    if (ahead(number, this.acked) >= 0)
      return ahead(number, this.next) <= 0 || ahead(number, this.edge) <= 0
    return ahead(this.acked, number) <= Math.max(this.room, 65_535)
  }
}

/** As an endpoint keeps times. */
export function wholeSeconds(ms: number): number {
  return (ms / 1000) | 0
}

/** What the state machine made of a packet. */
export interface Judged {
  /** The packet belongs to the connection as it stands; its bytes are put in order. */
  readonly isAccepted: boolean
}

export const ACCEPTED: Judged = { isAccepted: true }
export const REFUSED: Judged = { isAccepted: false }

/** Refuses a packet for a fault. */
export function refuse(packet: Packet, event: StreamEvent): Judged {
  packet.note(`stream.${event}`)
  return REFUSED
}

export function otherFlow(flow: Flow): Flow {
  return flow === 'to_server' ? 'to_client' : 'to_server'
}
