import type { StreamEvent } from '#signatures/suricata/packet-events.ts'
import type { Flow } from '#inspectors/inspector.ts'
import { ACK, FIN, type Packet, RST, SYN, type TcpFields } from '../packet.ts'
import { ACCEPTED, type Judged, REFUSED, refuse, type TcpState } from './endpoint.ts'
import { ahead, plus } from './sequence.ts'
import type { Conversation } from './conversation.ts'

type ClosingState = 'fin_wait1' | 'fin_wait2' | 'close_wait' | 'closing' | 'last_ack' | 'time_wait'

/** Events by what is wrong in which state. */
const FAULTS: Readonly<
  Record<
    ClosingState,
    { readonly ack: StreamEvent; readonly number: StreamEvent; readonly fin: StreamEvent }
  >
> = {
  fin_wait1: { ack: 'fin1_invalid_ack', number: 'fin1_ack_wrong_seq', fin: 'fin1_fin_wrong_seq' },
  fin_wait2: { ack: 'fin2_invalid_ack', number: 'fin2_ack_wrong_seq', fin: 'fin2_fin_wrong_seq' },
  close_wait: {
    ack: 'closewait_invalid_ack',
    number: 'closewait_ack_out_of_window',
    fin: 'closewait_fin_out_of_window',
  },
  closing: {
    ack: 'closing_invalid_ack',
    number: 'closing_ack_wrong_seq',
    fin: 'closing_ack_wrong_seq',
  },
  last_ack: {
    ack: 'lastack_invalid_ack',
    number: 'lastack_ack_wrong_seq',
    fin: 'lastack_ack_wrong_seq',
  },
  time_wait: {
    ack: 'timewait_invalid_ack',
    number: 'timewait_ack_wrong_seq',
    fin: 'timewait_ack_wrong_seq',
  },
}

export function isClosing(state: TcpState): state is ClosingState {
  return state in FAULTS
}

/** One side, or both, have said that they will send no more. */
export function onClosing(
  session: Conversation,
  packet: Packet,
  flow: Flow,
  tcp: TcpFields,
  state: ClosingState,
): Judged {
  const { flags } = tcp
  const faults = FAULTS[state]
  if ((flags & RST) !== 0) return session.onReset(packet, flow, tcp)
  if ((flags & SYN) !== 0) {
    if ((flags & ACK) === 0) return refuse(packet, 'shutdown_syn_resend')
    return REFUSED
  }
  if ((flags & (ACK | FIN)) === 0) return REFUSED
  const mine = session.sender(flow)
  const theirs = session.peer(flow)
  if (!session.takeTimestamp(packet, flow, tcp)) return REFUSED
  if ((flags & ACK) !== 0 && !theirs.isAckSound(tcp.acknowledgement) && !session.isLoose)
    return refuse(packet, faults.ack)
  const bytes = packet.payload.length
  const end = plus(tcp.sequence, bytes)
  const isOld = ahead(end, mine.acked) < 0
  if (isOld && bytes > 0 && (flags & FIN) === 0) {
    if (state === 'close_wait') packet.note('stream.closewait_pkt_before_last_ack')
    return REFUSED
  }
  if (!session.isLoose && ahead(end, plus(mine.edge, 1)) > 0) return refuse(packet, faults.number)
  const isFin = (flags & FIN) !== 0
  if (isFin && mine.finAt !== null && mine.finAt !== end) {
    if (ahead(end, mine.finAt) > 0) return refuse(packet, faults.fin)
    session.take(packet, flow, tcp)
    return ACCEPTED
  }
  session.take(packet, flow, tcp)
  const isOwnFinNew = isFin && mine.finAt === null
  if (isOwnFinNew) session.noteFin(flow, end)
  session.state = next(session, state, isOwnFinNew, flow)
  return ACCEPTED
}

/** Suricata's names: who closes first decides between `fin_wait1` (server) and `close_wait` (client). */
function next(
  session: Conversation,
  state: ClosingState,
  isOtherFin: boolean,
  flow: Flow,
): TcpState {
  const theirs = session.peer(flow)
  const isFinAcked = theirs.finAt !== null && ahead(theirs.acked, theirs.finAt) > 0
  switch (state) {
    case 'fin_wait1':
      if (isOtherFin) return isFinAcked ? 'time_wait' : 'closing'
      return isFinAcked ? 'fin_wait2' : 'fin_wait1'
    case 'fin_wait2':
      return isOtherFin ? 'time_wait' : 'fin_wait2'
    case 'close_wait':
      return isOtherFin ? 'last_ack' : 'close_wait'
    case 'closing':
      return isFinAcked ? 'time_wait' : 'closing'
    case 'last_ack':
      return isFinAcked ? 'closed' : 'last_ack'
    case 'time_wait':
      return isFinAcked && session.sender(flow).finAt !== null && !isOtherFin
        ? 'closed'
        : 'time_wait'
  }
}
