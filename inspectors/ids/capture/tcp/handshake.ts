import type { Flow } from '#inspectors/inspector.ts'
import { ACK, FIN, type Packet, RST, SYN, type TcpFields } from '../packet.ts'
import { ACCEPTED, type Judged, otherFlow, REFUSED, refuse, wholeSeconds } from './endpoint.ts'
import { ahead, plus } from './sequence.ts'
import type { Conversation } from './conversation.ts'

/** Numbers of SYNs that a client has sent and that an answer may be to. */
const MAX_SYNS = 8

/** No packet of the connection has been taken yet. */
export function onNone(session: Conversation, packet: Packet, flow: Flow, tcp: TcpFields): Judged {
  const { flags } = tcp
  const { settings } = session
  if ((flags & RST) !== 0) return refuse(packet, 'rst_but_no_session')
  if ((flags & SYN) !== 0) {
    if ((flags & FIN) !== 0) packet.note('stream.fin_syn')
    if ((flags & ACK) !== 0) {
      if (!settings.midstream && !settings.asyncOneside) return REFUSED
      return joinAtSynAck(session, flow, tcp)
    }
    openWith(session, packet, flow, tcp)
    return ACCEPTED
  }
  if (!settings.midstream) {
    if ((flags & FIN) !== 0) packet.note('stream.fin_but_no_session')
    return REFUSED
  }
  if ((flags & ACK) === 0) return REFUSED
  joinAtData(session, flow, tcp)
  return session.established(packet, flow, tcp)
}

function openWith(session: Conversation, packet: Packet, flow: Flow, tcp: TcpFields): void {
  const end = session.sender(flow)
  end.open(tcp, session.settings.nowMs())
  session.opener = flow
  noteSynTimestamp(session, tcp)
  session.hasFastOpen = tcp.hasFastOpen
  session.isSigned = tcp.isSigned
  if (tcp.hasFastOpen) end.sent(plus(end.next, packet.payload.length))
  session.sender(flow).follow(plus(tcp.sequence, 1))
  session.state = 'syn_sent'
}

function noteSynTimestamp(session: Conversation, { timestamp }: TcpFields): void {
  if (timestamp === null) return
  const synTimestamps = (session.synTimestamps ??= [])
  if (synTimestamps.length >= MAX_SYNS) synTimestamps.shift()
  synTimestamps.push(timestamp)
}

function joinAtSynAck(session: Conversation, flow: Flow, tcp: TcpFields): Judged {
  const server = session.sender(flow)
  const client = session.peer(flow)
  server.open(tcp, session.settings.nowMs())
  server.room = tcp.window
  client.join(tcp.acknowledgement)
  client.edge = plus(tcp.acknowledgement, Math.max(tcp.window, 1))
  client.scale = server.hasScale ? client.scale : 0
  session.opener = otherFlow(flow)
  session.isMidstream = true
  session.oneSided = session.settings.asyncOneside ? flow : null
  server.follow(server.next)
  client.follow(client.next)
  session.state = 'syn_recv'
  return ACCEPTED
}

function joinAtData(session: Conversation, flow: Flow, tcp: TcpFields): void {
  const mine = session.sender(flow)
  const theirs = session.peer(flow)
  mine.join(tcp.sequence)
  theirs.join(tcp.acknowledgement)
  mine.timestamp = tcp.timestamp ?? 0
  mine.hasTimestamps = tcp.timestamp !== null
  theirs.hasTimestamps = mine.hasTimestamps
  mine.timestampSeconds = wholeSeconds(session.settings.nowMs())
  session.opener = 'to_server'
  session.isMidstream = true
  session.oneSided = session.settings.asyncOneside ? flow : null
  mine.follow(mine.next)
  theirs.follow(theirs.next)
  session.state = 'established'
}

export function onSynSent(
  session: Conversation,
  packet: Packet,
  flow: Flow,
  tcp: TcpFields,
): Judged {
  const { flags } = tcp
  if (!isEchoSound(session, flow, tcp)) return refuse(packet, 'pkt_invalid_timestamp')
  if ((flags & RST) !== 0) {
    // Of its own SYN a client takes nothing back: what it resets here is something else that it was sent.
    if (flow === session.opener) return REFUSED
    const client = session.sender(session.opener)
    const isAnswer =
      (flags & ACK) !== 0 &&
      (tcp.acknowledgement === client.next || tcp.acknowledgement === plus(client.isn, 1))
    if (!isAnswer) return refuse(packet, 'rst_invalid_ack')
    session.reset(flow)
    return ACCEPTED
  }
  if ((flags & SYN) !== 0 && (flags & ACK) !== 0) return onSynAck(session, packet, flow, tcp)
  if ((flags & SYN) !== 0) return onSecondSyn(session, packet, flow, tcp)
  if ((flags & ACK) === 0) return REFUSED
  return onOneSided(session, packet, flow, tcp)
}

/**
 * An answer to a SYN with a timestamp echoes that of one SYN, and one to a SYN without has none (RFC 7323, 3.2): any other
 * is forged.
 */
function isEchoSound(session: Conversation, flow: Flow, tcp: TcpFields): boolean {
  if (flow === session.opener || tcp.timestamp === null) return true
  if (!session.sender(session.opener).hasTimestamps) return false
  return tcp.timestampEcho === 0 || session.synTimestamps?.includes(tcp.timestampEcho) === true
}

/** A SYN of the other side: simultaneous or split handshake, in four steps. Otherwise the SYN is sent again. */
function onSecondSyn(session: Conversation, packet: Packet, flow: Flow, tcp: TcpFields): Judged {
  if (flow !== session.opener) {
    session.isFourWay = true
    session.sender(flow).open(tcp, session.settings.nowMs())
    session.sender(flow).follow(plus(tcp.sequence, 1))
    return ACCEPTED
  }
  const syns = (session.syns ??= [session.sender(flow).isn])
  if (syns.includes(tcp.sequence)) {
    noteSynTimestamp(session, tcp)
    return ACCEPTED
  }
  if (syns.length >= MAX_SYNS) syns.shift()
  syns.push(tcp.sequence)
  openWith(session, packet, flow, tcp)
  return ACCEPTED
}

function onSynAck(session: Conversation, packet: Packet, flow: Flow, tcp: TcpFields): Judged {
  if (session.isFourWay) return onFourWaySynAck(session, packet, flow, tcp)
  if (flow === session.opener) return refuse(packet, '3whs_synack_in_wrong_direction')
  const client = session.sender(session.opener)
  const answered = plus(tcp.acknowledgement, -1)
  const isWithData = tcp.acknowledgement === client.next
  if (answered !== client.isn) {
    const isEarlier = session.syns?.includes(answered) === true
    if (!isEarlier && !isWithData) return refuse(packet, '3whs_synack_with_wrong_ack')
    if (isEarlier) {
      client.isn = answered
      client.next = tcp.acknowledgement
      client.follow(client.next)
    }
  }
  // Data that came with the SYN and is not acknowledged is sent again.
  if (!isWithData && client.next !== plus(client.isn, 1)) {
    if (session.hasFastOpen) packet.note('stream.3whs_synack_tfo_data_ignored')
    client.next = plus(client.isn, 1)
    client.follow(client.next)
  }
  takeSynAck(session, flow, tcp)
  return ACCEPTED
}

export function takeSynAck(session: Conversation, flow: Flow, tcp: TcpFields): void {
  const server = session.sender(flow)
  const client = session.peer(flow)
  server.open(tcp, session.settings.nowMs())
  // Windows of SYNs are not shifted, and shifting needs the option from both (RFC 7323, 2.2).
  client.acknowledge(tcp.acknowledgement, tcp.window)
  server.acknowledge(server.next, client.announced)
  server.acked = server.isn
  if (!client.hasScale || !server.hasScale) {
    if (!session.isMidstream) client.scale = 0
    server.scale = 0
  }
  session.hasTimestamps = client.hasTimestamps && server.hasTimestamps
  server.follow(server.next)
  session.state = 'syn_recv'
}

function onFourWaySynAck(
  session: Conversation,
  packet: Packet,
  flow: Flow,
  tcp: TcpFields,
): Judged {
  if (flow !== session.opener) {
    // An ordinary answer after all.
    session.isFourWay = false
    return onSynAck(session, packet, flow, tcp)
  }
  const client = session.sender(flow)
  const server = session.peer(flow)
  if (tcp.acknowledgement !== server.next) return refuse(packet, '4whs_synack_with_wrong_ack')
  if (tcp.sequence !== client.isn) return refuse(packet, '4whs_synack_with_wrong_syn')
  server.acknowledge(tcp.acknowledgement, tcp.window)
  client.acked = client.isn
  session.hasTimestamps = client.hasTimestamps && server.hasTimestamps
  session.state = 'syn_recv'
  return ACCEPTED
}

/** The answer is not to be seen: the client goes on as if there had been one. */
function onOneSided(session: Conversation, packet: Packet, flow: Flow, tcp: TcpFields): Judged {
  if (!session.settings.asyncOneside || flow !== session.opener) return REFUSED
  const client = session.sender(flow)
  if (tcp.sequence !== client.next) return refuse(packet, '3whs_async_wrong_seq')
  const server = session.peer(flow)
  server.join(tcp.acknowledgement)
  client.edge = plus(tcp.sequence, 0x3fff_ffff)
  session.oneSided = flow
  server.follow(server.next)
  session.state = 'established'
  return session.established(packet, flow, tcp)
}

export function onSynRecv(
  session: Conversation,
  packet: Packet,
  flow: Flow,
  tcp: TcpFields,
): Judged {
  const { flags } = tcp
  if ((flags & RST) !== 0) return session.onReset(packet, flow, tcp)
  if ((flags & SYN) !== 0 && (flags & ACK) !== 0) return onSynAckAgain(session, packet, flow, tcp)
  if ((flags & SYN) !== 0) {
    if (flow !== session.opener) return refuse(packet, '3whs_syn_toclient_on_syn_recv')
    const isSame = tcp.sequence === session.sender(flow).isn
    if (!isSame) return refuse(packet, '3whs_syn_resend_diff_seq_on_syn_recv')
    return ACCEPTED
  }
  if ((flags & ACK) === 0) return (flags & FIN) === 0 ? REFUSED : session.onFin(packet, flow, tcp)
  const judged =
    flow === session.opener
      ? onLastAck(session, packet, flow, tcp)
      : onAckOfServer(session, packet, flow, tcp)
  if (!judged.isAccepted) return judged
  return (flags & FIN) === 0
    ? session.established(packet, flow, tcp)
    : session.onFin(packet, flow, tcp)
}

/** The third step; bytes between may have been lost. */
function onLastAck(session: Conversation, packet: Packet, flow: Flow, tcp: TcpFields): Judged {
  const client = session.sender(flow)
  const server = session.peer(flow)
  const offset = ahead(tcp.sequence, client.next)
  const isInWindow = offset >= -1 && (offset <= 0 || ahead(tcp.sequence, client.edge) <= 0)
  const isAckRight =
    tcp.acknowledgement === server.next ||
    (ahead(tcp.acknowledgement, server.next) > 0 &&
      ahead(tcp.acknowledgement, server.next) <= Math.max(tcp.window, 65_535))
  const stored = session.synAcks?.find(({ sequence }) => plus(sequence, 1) === tcp.acknowledgement)
  if (!isAckRight && stored !== undefined) {
    takeSynAck(session, otherFlow(flow), stored)
  } else if (session.isFourWay) {
    if (!isInWindow) return refuse(packet, '4whs_wrong_seq')
    if (!isAckRight) return refuse(packet, '4whs_invalid_ack')
  } else if (!isAckRight) {
    return refuse(
      packet,
      offset === 0 ? '3whs_right_seq_wrong_ack_evasion' : '3whs_wrong_seq_wrong_ack',
    )
  } else if (!isInWindow && !session.isMidstream)
    // The number is one of earlier bytes: an old packet.
    return offset < 0 ? ACCEPTED : refuse(packet, 'est_packet_out_of_window')
  confirm(session)
  return ACCEPTED
}

function confirm(session: Conversation): void {
  session.state = 'established'
  session.synAcks = null
}

/**
 * The server speaks before the third step was seen. In line no data may come before it (only fast open allows that);
 * where traffic is watched, the third step was lost.
 */
function onAckOfServer(session: Conversation, packet: Packet, flow: Flow, tcp: TcpFields): Judged {
  const server = session.sender(flow)
  if (session.isFourWay) {
    const client = session.peer(flow)
    if (tcp.sequence !== server.next) return refuse(packet, '4whs_wrong_seq')
    if (tcp.acknowledgement !== client.next) return refuse(packet, '4whs_invalid_ack')
    confirm(session)
    return ACCEPTED
  }
  const isData = packet.payload.length > 0
  if (session.hasFastOpen || session.isMidstream) {
    confirm(session)
    return ACCEPTED
  }
  if (!isData && (tcp.flags & FIN) === 0) return refuse(packet, '3whs_ack_in_wrong_dir')
  if (session.settings.inline) {
    packet.note('stream.3whs_ack_data_inject')
    return REFUSED
  }
  if (tcp.sequence !== server.next) return refuse(packet, '3whs_ack_in_wrong_dir')
  confirm(session)
  return ACCEPTED
}

function onSynAckAgain(session: Conversation, packet: Packet, flow: Flow, tcp: TcpFields): Judged {
  if (flow === session.opener) return refuse(packet, '3whs_synack_toserver_on_syn_recv')
  const server = session.sender(flow)
  const client = session.peer(flow)
  const isSameAck =
    tcp.acknowledgement === client.acked || tcp.acknowledgement === plus(client.isn, 1)
  if (!isSameAck) return refuse(packet, '3whs_synack_resend_with_different_ack')
  if (tcp.sequence === server.isn) return ACCEPTED
  // The answer that the client takes is known with the third step.
  packet.note('stream.3whs_synack_resend_with_diff_seq')
  const synAcks = (session.synAcks ??= [])
  if (synAcks.length >= session.settings.maxSynAcks) return refuse(packet, '3whs_synack_flood')
  synAcks.push(tcp)
  return REFUSED
}
