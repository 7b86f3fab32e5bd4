import { addressBytes } from '#signatures/suricata/address.ts'
import type { HttpTransaction } from '#inspectors/http/transaction.ts'
import type { Connection, Flow, Verdict } from '#inspectors/inspector.ts'
import type { IdsConnection } from '../connection.ts'
import { type DnsMessage, parseDnsMessage } from '../dns/message.ts'
import type { Origin, Outcome } from '../findings.ts'
import { DnsStream, looksLikeDnsStream } from './dns-stream.ts'
import { PermissiveHttpParser } from './http/permissive-parser.ts'
import { type Packet, UDP } from './packet.ts'
import { TcpSession } from './tcp/session.ts'
import type { TcpSettings } from './tcp/settings.ts'

/** What a replay is about to tell. `flow` is the direction of the data. */
export interface ReplayObserver {
  /** What the rules made of one packet. */
  outcome(of: ReplayFlow, outcome: Outcome): void
  http(of: ReplayFlow, transaction: HttpTransaction): void
  body(of: ReplayFlow, transaction: HttpTransaction, flow: Flow, chunk: Buffer): void
  file(of: ReplayFlow, transaction: HttpTransaction, flow: Flow): void
  dns(of: ReplayFlow, log: DnsLog, flow: Flow): void
  tls(of: ReplayFlow): void
  /** @param by what the rules made of the packet; null: it was not theirs to drop */
  drop(of: ReplayFlow, packet: Packet, flow: Flow, reason: DropReason, by: Outcome | null): void
  /** A packet that decoder or stream engine found faults in, after it was looked at. */
  faults?(of: ReplayFlow, packet: Packet, flow: Flow): void
}

/** Why a packet was stopped, with EVE's names. */
export type DropReason =
  | 'rules'
  | 'threshold detection_filter'
  | 'flow drop'
  | 'stream error'
  | 'stream memcap'
  | 'stream midstream'
  | 'stream urgent'
  | 'exception policy flow drop'

export interface DnsLog {
  readonly message: DnsMessage
  readonly index: number
}

/** Bytes of a direction that wait for the protocol to be known. */
const MAX_UNDECIDED_BYTES = 4096
const DNS_PORT = 53

export interface FlowCounts {
  packets: number
  bytes: number
}

/** One flow of a capture: its packets, its streams in order, and the protocol they speak. */
export class ReplayFlow {
  readonly connection: Connection
  readonly protocol: number
  /** 0: of a frame without IP header. */
  readonly version: 0 | 4 | 6
  readonly vlans: readonly number[]
  readonly ids: IdsConnection
  readonly tcp: TcpSession | null
  readonly counts: Record<Flow, FlowCounts> = {
    to_server: { packets: 0, bytes: 0 },
    to_client: { packets: 0, bytes: 0 },
  }
  lastMs: number
  transactions = 0
  alerts = 0
  isDropped = false
  isPassed = false
  /** Packet that is being looked at, numbered from 1. */
  packetNumber = 0
  outer: Packet | null = null
  #over = false
  #isInspected = true
  /** Its bytes cannot be read any more: rules about packets alone are left. */
  #isEncrypted = false
  #protocol: 'undecided' | 'http' | 'dns' | 'tls' | 'other' = 'undecided'
  #tlsTold = false
  #http: PermissiveHttpParser | null = null
  readonly #undecided: Record<Flow, Buffer[]> = { to_server: [], to_client: [] }
  readonly #undecidedBytes: Record<Flow, number> = { to_server: 0, to_client: 0 }
  readonly #dns: Record<Flow, DnsStream> = {
    to_server: new DnsStream(),
    to_client: new DnsStream(),
  }
  readonly #dnsIds = new Map<number, number>()
  readonly #observer: ReplayObserver
  readonly #isInline: boolean
  readonly #now: () => number
  #flow: Flow = 'to_server'
  /** Packet that is being looked at; null: the flow is over. */
  #packet: Packet | null = null

  constructor(
    first: Packet,
    connection: Connection,
    ids: IdsConnection,
    options: {
      readonly observer: ReplayObserver
      readonly isInline: boolean
      readonly tcp: TcpSettings
      readonly now: () => number
    },
  ) {
    this.connection = connection
    this.protocol = first.protocol
    this.version = first.version
    this.vlans = first.vlans
    this.ids = ids
    this.lastMs = connection.openedAt
    this.#observer = options.observer
    this.#isInline = options.isInline
    this.#now = options.now
    this.tcp =
      first.tcp === null
        ? null
        : new TcpSession(
            {
              bytes: (flow, bytes) => this.#bytes(flow, bytes),
              gap: (flow, bytes) => this.#gap(flow, bytes),
              end: (flow) => this.#endOf(flow),
            },
            options.tcp,
            {
              client: addressBytes(connection.clientAddress) ?? '',
              server: addressBytes(connection.serverAddress) ?? '',
            },
          )
  }

  /** A TCP connection whose beginning was seen, or need not be: its streams are inspected. */
  get isFollowed(): boolean {
    return this.tcp !== null && this.tcp.state !== 'none'
  }

  /** EVE's state of the flow. */
  get state(): 'new' | 'established' | 'closed' {
    switch (this.tcp?.state) {
      case undefined:
        return this.isEstablished ? 'established' : 'new'
      case 'none':
      case 'syn_sent':
      case 'syn_recv':
        return 'new'
      case 'last_ack':
      case 'time_wait':
      case 'closed':
        return 'closed'
      case 'established':
      case 'close_wait':
      case 'closing':
      case 'fin_wait1':
      case 'fin_wait2':
        return 'established'
    }
  }

  /** Protocol of the flow; null: none is known. */
  get application(): string | null {
    return this.#protocol === 'http' ? 'http' : this.ids.application
  }

  /** What the rules that are being asked look at: one packet, or a stream as far as it is kept. */
  seen(flow: Flow, origin: Origin): { readonly payload: Buffer; readonly isStream: boolean } {
    const packet = this.#packet
    if (packet !== null && origin === 'packet') return { payload: packet.payload, isStream: false }
    return { payload: Buffer.from(this.ids.quoted(flow), 'latin1'), isStream: this.tcp !== null }
  }

  get isEstablished(): boolean {
    if (this.tcp !== null) return this.tcp.isEstablished
    return this.counts.to_server.packets > 0 && this.counts.to_client.packets > 0
  }

  /** @param isDamaged its sum is wrong: rules see the packet, the stream does not */
  packet(packet: Packet, flow: Flow, number: number, isDamaged: boolean): void {
    this.packetNumber = number
    this.outer = packet.outer
    this.lastMs = this.#now()
    const counts = this.counts[flow]
    counts.packets += 1
    counts.bytes += packet.outer === null ? packet.frameBytes : packet.ipBytes
    if (this.isDropped) {
      this.#observer.drop(this, packet, flow, 'flow drop', null)
      return
    }
    // The packet that establishes a connection is not one of an established connection yet.
    const established = this.isEstablished
    const taken = isDamaged ? null : (this.tcp?.advance(packet, flow, this.lastMs) ?? null)
    this.#flow = flow
    const standing = { established, inSession: taken?.isInStream ?? false }
    const message = this.tcp === null ? this.#dnsOf(packet) : null
    const stopped = this.#isInline && taken !== null ? taken.dropReason : null
    this.#packet = packet
    if (this.#isInspected && !this.isPassed) this.ids.packet(packet, flow, standing)
    if (message !== null) this.#message(message, packet.payload, flow)
    else if (taken !== null && stopped === null) this.tcp?.deliver(packet, flow)
    if (this.#isInspected) this.ids.afterStream(flow)
    const isDropped = this.#settle()
    if (packet.events.length > 0) this.#observer.faults?.(this, packet, flow)
    if (stopped !== null && !isDropped) this.#observer.drop(this, packet, flow, stopped, null)
    this.#packet = null
  }

  end(): void {
    if (this.#over) return
    this.#over = true
    if (!this.isDropped) this.#finish()
    this.tcp?.close()
  }

  #finish(): void {
    this.tcp?.end()
    this.#http?.end()
    this.#tellTls()
    this.#settle()
  }

  /**
   * What the rules make of the packet, or of what was left when the flow was over.
   *
   * @returns true when they stop it
   */
  #settle(): boolean {
    const outcome = this.ids.settle()
    if (outcome === null) return false
    this.alerts += outcome.findings.length
    this.#observer.outcome(this, outcome)
    if (outcome.flowAction === 'pass') this.isPassed = true
    const { dropped } = outcome
    if (dropped === null || !this.#isInline) return false
    if (outcome.flowAction === 'drop') {
      this.#isInspected = false
      this.isDropped = true
    }
    const reason = dropped.isRateFiltered ? 'threshold detection_filter' : 'rules'
    if (this.#packet !== null) this.#observer.drop(this, this.#packet, this.#flow, reason, outcome)
    return true
  }

  /** The DNS message that a datagram is; null: it is none. */
  #dnsOf(packet: Packet): DnsMessage | null {
    if (packet.protocol !== UDP || packet.payload.length === 0) return null
    const { clientPort, serverPort } = this.connection
    const isDns = serverPort === DNS_PORT || clientPort === DNS_PORT || this.#protocol === 'dns'
    const message = parseDnsMessage(packet.payload)
    if (message === null || (!isDns && !isPlausible(message))) return null
    this.#protocol = 'dns'
    this.ids.speaks('dns')
    return message
  }

  #message(message: DnsMessage, bytes: Buffer, from: Flow): void {
    // Who asks is the client, whichever packet came first.
    const flow: Flow = message.isResponse ? 'to_client' : from
    const known = this.#dnsIds.get(message.id)
    const index = known ?? this.#dnsIds.size
    if (this.#dnsIds.size < MAX_UNDECIDED_BYTES) this.#dnsIds.set(message.id, index)
    if (known === undefined) this.transactions += 1
    const log = { message, index }
    if (this.#isInspected) this.ids.dns(flow, message, bytes, log)
    this.#observer.dns(this, log, flow)
  }

  #bytes(flow: Flow, bytes: Buffer): void {
    this.#flow = flow
    this.#take(() => this.ids.bytes(flow, bytes))
    if (this.isDropped) return
    switch (this.#protocol) {
      case 'http':
        this.#push(flow, bytes)
        return
      case 'dns':
        for (const message of this.#dns[flow].push(bytes)) this.#dnsBytes(message, flow)
        return
      case 'tls':
        this.#tellTlsWhenReady()
        return
      case 'other':
        return
      case 'undecided':
        this.#decide(flow, bytes)
    }
  }

  /** Bytes of a direction were never seen: each protocol makes of it what it can. */
  #gap(flow: Flow, bytes: number): void {
    this.#flow = flow
    this.ids.gap(flow, bytes)
    if (flow === 'to_server') this.#http?.gapClient(bytes)
    else this.#http?.gapServer(bytes)
    this.#dns[flow].gap()
    this.#undecided[flow] = []
    this.#undecidedBytes[flow] = 0
  }

  #decide(flow: Flow, bytes: Buffer): void {
    this.#undecided[flow].push(Buffer.from(bytes))
    this.#undecidedBytes[flow] += bytes.length
    const { serverPort } = this.connection
    const application = this.ids.application
    if (application === 'http') this.#protocol = 'http'
    else if (application === 'tls') this.#protocol = 'tls'
    else if (serverPort === DNS_PORT && looksLikeDnsStream(Buffer.concat(this.#undecided[flow])))
      this.#protocol = 'dns'
    else if (application !== null && application !== 'failed') this.#protocol = 'other'
    else if (this.#undecidedBytes[flow] > MAX_UNDECIDED_BYTES) this.#protocol = 'other'
    if (this.#protocol === 'undecided') return
    for (const direction of ['to_server', 'to_client'] as const) {
      const held = this.#undecided[direction]
      this.#undecided[direction] = []
      for (const chunk of held) {
        if (this.#protocol === 'http') this.#push(direction, chunk)
        else if (this.#protocol === 'dns')
          for (const message of this.#dns[direction].push(chunk)) this.#dnsBytes(message, direction)
      }
    }
    if (this.#protocol === 'tls') this.#tellTlsWhenReady()
  }

  #push(flow: Flow, bytes: Buffer): void {
    this.#http ??= this.#httpParser()
    if (flow === 'to_server') this.#http.pushClient(bytes)
    else this.#http.pushServer(bytes)
  }

  #dnsBytes(bytes: Buffer, flow: Flow): void {
    const message = parseDnsMessage(bytes)
    if (message !== null) this.#message(message, bytes, flow)
  }

  #endOf(flow: Flow): void {
    if (flow === 'to_server') this.#http?.endClient()
    else this.#http?.endServer()
  }

  #tellTlsWhenReady(): void {
    const session = this.ids.tlsSession
    if (session !== null && session.isOver('request') && session.isOver('response')) this.#tellTls()
  }

  #tellTls(): void {
    if (this.#tlsTold || this.ids.tlsSession?.client === null || this.ids.tlsSession === null)
      return
    this.#tlsTold = true
    this.transactions += 1
    this.#observer.tls(this)
  }

  #take(ask: () => Verdict): void {
    if (this.#isInspected && !this.#isEncrypted && ask().kind === 'bypass') this.#isEncrypted = true
  }

  #httpParser(): PermissiveHttpParser {
    const { ids } = this
    return new PermissiveHttpParser(
      {
        requestHead: (transaction) => {
          this.transactions += 1
          this.#take(() => ids.requestHead(transaction))
        },
        requestBody: (transaction, chunk) => {
          this.#take(() => ids.requestBody(transaction, chunk))
          this.#observer.body(this, transaction, 'to_server', chunk)
        },
        requestEnd: (transaction) => {
          this.#take(() => ids.requestEnd(transaction))
          if (transaction.requestBodyBytes > 0) this.#observer.file(this, transaction, 'to_server')
        },
        responseHead: (transaction) => this.#take(() => ids.responseHead(transaction)),
        responseBody: (transaction, chunk) => {
          this.#take(() => ids.responseBody(transaction, chunk))
          this.#observer.body(this, transaction, 'to_client', chunk)
        },
        responseEnd: (transaction) => {
          this.#take(() => ids.responseEnd(transaction))
          if (transaction.responseBodyBytes > 0) this.#observer.file(this, transaction, 'to_client')
        },
        transactionEnd: (transaction) => {
          this.#take(() => ids.transactionEnd(transaction))
          this.#observer.http(this, transaction)
        },
      },
      this.#now,
    )
  }
}

/** On another port than its own only a message with all the marks of DNS is one. */
function isPlausible(message: DnsMessage): boolean {
  return (
    message.questions.length === 1 &&
    (message.flags & 0x0040) === 0 &&
    message.opcode === 0 &&
    message.questions[0].type > 0 &&
    message.questions[0].type < 300 &&
    message.questions[0].name.length > 2
  )
}
