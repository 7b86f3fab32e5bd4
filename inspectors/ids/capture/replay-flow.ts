import { addressBytes } from '#signatures/suricata/address.ts'
import type { HttpTransaction } from '#inspectors/http/transaction.ts'
import type { Connection, Flow, Verdict } from '#inspectors/inspector.ts'
import type { IdsConnection } from '../connection.ts'
import { type DnsMessage, parseDnsMessage } from '../dns/message.ts'
import { isPlausible } from '../dns/plausible.ts'
import type { EncryptionHandling } from '../configuration/replay-settings.ts'
import type { ExceptionPolicies, ExceptionTarget } from '../configuration/exception-policies.ts'
import type { Origin, Outcome } from '../findings.ts'
import type { DropReason } from './drop-reason.ts'
import { type DnsLog, DnsStream, looksLikeDnsStream } from './dns-stream.ts'
import { FlowFate, type Treatment, isMidstream } from './flow-fate.ts'
import { type HttpListener, httpEvents } from './http-events.ts'
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
  /** Something was met that goes beyond what is followed, and dealt with (`of.fate`). */
  exception?(of: ReplayFlow, target: ExceptionTarget): void
}

/** Bytes of a direction that wait for the protocol to be known. */
const MAX_UNDECIDED_BYTES = 4096

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
  /** Packet that is being looked at, numbered from 1. */
  packetNumber = 0
  outer: Packet | null = null
  readonly fate: FlowFate
  /** Transaction that the application protocol has come to; null: none yet. */
  transaction: object | null = null
  #over = false
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
  readonly #encryption: EncryptionHandling
  readonly #dnsPorts: ReadonlySet<number>
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
      readonly policies: ExceptionPolicies
      readonly encryption: EncryptionHandling
      readonly dnsPorts: ReadonlySet<number>
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
    this.#encryption = options.encryption
    this.#dnsPorts = options.dnsPorts
    this.fate = new FlowFate(options.policies)
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
  get state(): 'new' | 'established' | 'closed' | 'bypassed' {
    if (this.fate.isBypassed) return 'bypassed'
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
    if (this.fate.isBypassed) return
    if (this.fate.isDropped) {
      this.#stop(packet, flow, this.fate.dropReason)
      return
    }
    let treatment: Treatment = 'look'
    if (this.tcp !== null && !isDamaged && isMidstream(packet, this.tcp.state))
      treatment = this.#meet('stream_midstream')
    if (treatment === 'stop') this.#stop(packet, flow, 'stream midstream')
    if (treatment === 'stop' || treatment === 'look-not') return
    // The packet that establishes a connection is not one of an established connection yet.
    const established = this.isEstablished
    const taken = isDamaged ? null : (this.tcp?.advance(packet, flow, this.lastMs) ?? null)
    this.#flow = flow
    const standing = { established, inSession: taken?.isInStream ?? false }
    const message = this.tcp === null ? this.#dnsOf(packet) : null
    const stopped = this.#isInline && taken !== null ? taken.dropReason : null
    this.#packet = packet
    const isAsked = treatment === 'look' && !this.fate.isPassed
    this.ids.asks(isAsked)
    if (isAsked) this.ids.packet(packet, flow, standing)
    if (message !== null) this.#message(message, packet.payload, flow)
    else if (taken !== null && stopped === null) this.tcp?.deliver(packet, flow)
    if (isAsked) this.ids.afterStream(flow)
    const isDropped = this.#settle()
    if (packet.events.length > 0) this.#observer.faults?.(this, packet, flow)
    if (stopped !== null && !isDropped) this.#stop(packet, flow, stopped)
    if (this.#isEncrypted && this.#encryption === 'bypass') this.fate.decide('bypassed')
    this.#packet = null
  }

  end(): void {
    if (this.#over) return
    this.#over = true
    if (!this.fate.isDropped && !this.fate.isBypassed) this.#finish()
    else if (this.fate.isBypassed) this.#tellTls()
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
    if (outcome.flowAction === 'pass') this.fate.decide('passed')
    const { dropped } = outcome
    // Where nothing can be stopped a reject still ends the connection.
    const isReject = outcome.action.startsWith('reject')
    if (dropped === null || (!this.#isInline && !isReject)) return false
    if (outcome.flowAction === 'drop') this.fate.decide('dropped')
    if (!this.#isInline) return false
    const reason = dropped.isRateFiltered ? 'threshold detection_filter' : 'rules'
    if (this.#packet !== null) this.#observer.drop(this, this.#packet, this.#flow, reason, outcome)
    return true
  }

  #meet(target: ExceptionTarget): Treatment {
    const treatment = this.fate.meet(target)
    this.#observer.exception?.(this, target)
    return treatment
  }

  /** Where nothing can be stopped there is nothing to tell. */
  #stop(packet: Packet, flow: Flow, reason: DropReason): void {
    if (this.#isInline) this.#observer.drop(this, packet, flow, reason, null)
  }

  /** The DNS message that a datagram is; null: it is none. */
  #dnsOf(packet: Packet): DnsMessage | null {
    if (packet.protocol !== UDP || packet.payload.length === 0) return null
    const { clientPort, serverPort } = this.connection
    const ports = this.#dnsPorts
    const isDns = ports.has(serverPort) || ports.has(clientPort) || this.#protocol === 'dns'
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
    this.transaction = log
    this.ids.dns(flow, message, bytes, log)
    this.#observer.dns(this, log, flow)
  }

  #bytes(flow: Flow, bytes: Buffer): void {
    this.#flow = flow
    this.#take(() => this.ids.bytes(flow, bytes))
    if (this.fate.isDropped) return
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
    else if (
      this.#dnsPorts.has(serverPort) &&
      looksLikeDnsStream(Buffer.concat(this.#undecided[flow]))
    )
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
    if (!this.#isEncrypted && ask().kind === 'bypass' && this.#encryption !== 'full')
      this.#isEncrypted = true
  }

  #httpParser(): PermissiveHttpParser {
    const observer = this.#observer
    const tell: HttpListener = {
      asks: (ask) => this.#take(ask),
      begin: (transaction) => {
        this.transactions += 1
        this.transaction = transaction
      },
      body: (transaction, flow, chunk) => observer.body(this, transaction, flow, chunk),
      file: (transaction, flow) => observer.file(this, transaction, flow),
      end: (transaction) => observer.http(this, transaction),
    }
    return new PermissiveHttpParser(httpEvents(this.ids, tell), this.#now)
  }
}
