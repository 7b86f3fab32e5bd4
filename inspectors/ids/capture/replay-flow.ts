import type { HttpTransaction } from '#inspectors/http/transaction.ts'
import type { Connection, Flow } from '#inspectors/inspector.ts'
import type { IdsConnection } from '../connection.ts'
import type { ExceptionPolicies, ExceptionTarget } from '../configuration/exception-policies.ts'
import type { Origin, Outcome } from '../findings.ts'
import type { DnsLog } from './dns-stream.ts'
import type { DropReason } from './drop-reason.ts'
import { FlowFate, SEVERITY, type Treatment, isMidstream } from './flow-fate.ts'
import { FlowProtocols, type ProtocolEvents, type ProtocolOptions } from './flow-protocols.ts'
import type { Packet } from './packet.ts'
import { type QuestionOptions, Questions } from './questions.ts'
import { type TcpReceiver, TcpSession } from './tcp/session.ts'
import type { TcpSettings } from './tcp/settings.ts'

/** What a replay is about to tell. `flow` is the direction of the data. */
export interface ReplayObserver {
  /** A flow is to remember its newest transaction. */
  readonly guessesTransaction?: boolean
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

/** What all flows of a replay share. */
export interface FlowOptions extends ProtocolOptions, QuestionOptions {
  readonly observer: ReplayObserver
  readonly isInline: boolean
  readonly tcp: TcpSettings
  readonly policies: ExceptionPolicies
  /** Of the flows that nothing was decided about. */
  readonly openFate: FlowFate
}

/**
 * One flow of a capture: its packets, its streams in order, and the protocol they speak. There are thousands of them, and
 * the next packet is mostly another's: what each packet asks for stands in the flow itself, what some flows need is made
 * when they do, and what no packet will ask for is given back.
 */
export class ReplayFlow implements TcpReceiver, ProtocolEvents {
  // What each packet touches stands first.
  readonly tcp: TcpSession | null
  readonly ids: IdsConnection
  fate: FlowFate
  readonly #options: FlowOptions
  /** Null: it rests. */
  #questions: Questions | null
  /** Null: it rests, and nothing is to be told at its end. */
  #protocols: FlowProtocols | null
  packetsToServer = 0
  packetsToClient = 0
  bytesToServer = 0
  bytesToClient = 0
  /** Packet that is being looked at, numbered from 1; null: the flow is over. */
  packetNumber: number | null = null
  outer: Packet | null = null
  /** Packet that is being looked at; null: the flow is over. */
  #packet: Packet | null = null
  #flow: Flow = 'to_server'
  /** What exceptions mean for the packet that is being looked at. */
  #treatment: Treatment = 'look'
  transactions = 0
  alerts = 0
  /** Transaction that the application protocol has come to, where the observer wants it; null: none yet. */
  transaction: object | null = null
  readonly connection: Connection
  readonly protocol: number
  /** 0: of a frame without IP header. */
  readonly version: 0 | 4 | 6
  readonly vlans: readonly number[]
  /** When its last packet came; null: it is not over. */
  #lastMs: number | null = null
  /** Protocol of a flow that rests. */
  #application: string | null = null

  constructor(first: Packet, connection: Connection, ids: IdsConnection, options: FlowOptions) {
    this.connection = connection
    this.protocol = first.protocol
    this.version = first.version
    this.vlans = first.vlans
    this.ids = ids
    this.#options = options
    this.fate = options.openFate
    this.#questions = new Questions(ids, options)
    this.#protocols = new FlowProtocols(ids, connection, this.#questions, this, options)
    this.tcp =
      first.tcp === null ? null : new TcpSession(this, options.tcp, hostsOf(first, connection))
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
    return this.#protocols === null ? this.#application : this.#protocols.application
  }

  /** When its newest packet came. */
  get lastMs(): number {
    return this.#lastMs ?? this.#options.now()
  }

  /** What the rules that are being asked look at: one packet, or a stream as far as it is kept. */
  seen({ flow, origin }: { readonly flow: Flow; readonly origin: Origin }): Buffer {
    if (this.#packet !== null && origin === 'packet') return this.#packet.payload
    return Buffer.from(this.ids.quoted(flow), 'latin1')
  }

  /** What they look at is a stream. */
  seesStream(origin: Origin): boolean {
    return this.tcp !== null && (this.#packet === null || origin !== 'packet')
  }

  get isEstablished(): boolean {
    if (this.tcp !== null) return this.tcp.isEstablished
    return this.packetsToServer > 0 && this.packetsToClient > 0
  }

  /** @param isDamaged its sum is wrong: rules see the packet, the stream does not */
  packet(packet: Packet, flow: Flow, number: number, isDamaged: boolean): void {
    this.packetNumber = number
    this.outer = packet.outer
    this.#count(packet, flow)
    if (this.fate.isBypassed) return
    if (this.fate.isDropped) {
      this.#stop(packet, flow, this.fate.dropReason)
      return
    }
    this.#treatment = 'look'
    if (this.tcp !== null && !isDamaged && isMidstream(packet, this.tcp.state))
      this.meet('stream_midstream')
    if (this.#isRefused(packet, flow, 'stream midstream')) return
    // The packet that establishes a connection is not one of an established connection yet.
    const established = this.isEstablished
    const taken = isDamaged ? null : (this.tcp?.advance(packet, flow) ?? null)
    if (taken?.isOverMemory === true) this.meet('stream_reassembly')
    if (this.#isRefused(packet, flow, 'stream reassembly')) return
    this.#flow = flow
    this.#questions?.turnTo(flow)
    const standing = {
      established,
      inSession: taken?.isInStream ?? false,
      isStreamNow: this.#options.isNow,
    }
    const message = this.tcp === null ? this.#protocols!.dnsOf(packet) : null
    if (this.#isRefused(packet, flow, 'applayer error')) return
    const stopped = this.#options.isInline && taken !== null ? taken.dropReason : null
    this.#packet = packet
    const isAsked = this.#treatment === 'look' && !this.fate.isPassed
    this.ids.asks(isAsked)
    if (isAsked) this.ids.packet(packet, flow, standing)
    if (message !== null) this.#protocols!.message(message, packet.payload, flow)
    else if (taken !== null && stopped === null) this.tcp?.deliver(packet, flow)
    this.#catchUp(flow)
    if (isAsked) this.ids.afterStream(flow)
    if (!this.#isRefused(packet, flow, 'applayer error')) this.#conclude(packet, flow, stopped)
    else this.ids.settle()
    this.#packet = null
    if (this.tcp?.isFinished === true) this.#rest(this.tcp)
  }

  #count(packet: Packet, flow: Flow): void {
    const bytes = packet.outer === null ? packet.frameBytes : packet.ipBytes
    if (flow === 'to_server') {
      this.packetsToServer += 1
      this.bytesToServer += bytes
    } else {
      this.packetsToClient += 1
      this.bytesToClient += bytes
    }
  }

  /**
   * Both streams are over, and late packets alone will come: what was kept for bytes is given back, as the flow itself
   * stays for its time.
   */
  #rest(tcp: TcpSession): void {
    if (this.#questions?.isIdle !== true || this.#protocols?.rest() !== true) return
    this.#questions = null
    this.#application = this.#protocols.application
    if (!this.#protocols.hasToTell) this.#protocols = null
    tcp.rest()
    this.ids.rest()
  }

  /** The packet was looked at: what the rules say, and what was found wrong with it. */
  #conclude(packet: Packet, flow: Flow, stopped: DropReason | null): void {
    const isDropped = this.#settle()
    if (packet.events.length > 0) this.#options.observer.faults?.(this, packet, flow)
    if (stopped !== null && !isDropped) this.#stop(packet, flow, stopped)
    if (this.#questions?.isEncrypted === true && this.#options.encryption === 'bypass')
      this.#ownFate().decide('bypassed')
  }

  /**
   * Nothing more of it will come.
   *
   * @param lastMs when its last packet came
   */
  close(lastMs: number): void {
    if (this.#lastMs !== null) return
    this.#lastMs = lastMs
    if (!this.fate.isDropped && !this.fate.isBypassed) this.#finish()
    else if (this.fate.isBypassed) this.#protocols?.tellTls()
    this.tcp?.close()
  }

  #finish(): void {
    this.packetNumber = null
    this.#questions?.finish()
    this.#catchUp('to_server')
    this.#catchUp('to_client')
    this.tcp?.end()
    this.#protocols?.end()
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
    this.#options.observer.outcome(this, outcome)
    if (outcome.flowAction === 'pass') this.#ownFate().decide('passed')
    const { dropped } = outcome
    // Where nothing can be stopped a reject still ends the connection.
    const isReject = outcome.action.startsWith('reject')
    const { isInline, observer } = this.#options
    if (dropped === null || (!isInline && !isReject)) return false
    if (outcome.flowAction === 'drop') this.#ownFate().decide('dropped')
    if (!isInline) return false
    const reason = dropped.isRateFiltered ? 'threshold detection_filter' : 'rules'
    if (this.#packet !== null) observer.drop(this, this.#packet, this.#flow, reason, outcome)
    return true
  }

  /** Something goes beyond what is followed. */
  meet(target: ExceptionTarget): void {
    const treatment = this.#ownFate().meet(target)
    if (SEVERITY[treatment] > SEVERITY[this.#treatment]) this.#treatment = treatment
    this.#options.observer.exception?.(this, target)
  }

  #ownFate(): FlowFate {
    const { openFate, policies } = this.#options
    if (this.fate === openFate) this.fate = new FlowFate(policies)
    return this.fate
  }

  /** An exception ends the looking at the packet. */
  #isRefused(packet: Packet, flow: Flow, reason: DropReason): boolean {
    if (this.#treatment === 'stop') this.#stop(packet, flow, reason)
    return this.#treatment === 'stop' || this.#treatment === 'look-not'
  }

  /** Where nothing can be stopped there is nothing to tell. */
  #stop(packet: Packet, flow: Flow, reason: DropReason): void {
    const { isInline, observer } = this.#options
    if (isInline) observer.drop(this, packet, flow, reason, null)
  }

  /** A segment came again: what it says was said before, and rules that saw it then see it again. */
  again(flow: Flow, bytes: Buffer): void {
    if (this.#questions?.isEncrypted === false) this.ids.again(flow, bytes)
  }

  bytes(flow: Flow, bytes: Buffer): void {
    this.ids.learn(flow, bytes)
    this.#protocols?.learn(flow, bytes)
    this.#questions?.stream(flow, bytes)
    if (!this.fate.isDropped) this.#protocols?.bytes(flow, bytes)
  }

  gap(flow: Flow, bytes: number): void {
    this.#questions?.other(flow, () => this.ids.gap(flow, bytes))
    this.#protocols?.gap(flow, bytes)
  }

  end(flow: Flow): void {
    this.#protocols?.endOf(flow)
  }

  #catchUp(flow: Flow): void {
    if (this.#questions?.catchUp(flow) === true) this.#protocols?.tellTlsWhenReady()
  }

  begin(transaction: object | null): void {
    this.transactions += 1
    // It holds whole heads, and a flow is kept for a while after its end.
    if (this.#options.observer.guessesTransaction === true && transaction !== null)
      this.transaction = transaction
  }

  body(transaction: HttpTransaction, flow: Flow, chunk: Buffer): void {
    this.#options.observer.body(this, transaction, flow, chunk)
  }

  file(transaction: HttpTransaction, flow: Flow): void {
    this.#options.observer.file(this, transaction, flow)
  }

  done(transaction: HttpTransaction): void {
    this.#options.observer.http(this, transaction)
  }

  dns(log: DnsLog, flow: Flow): void {
    this.#options.observer.dns(this, log, flow)
  }

  tls(): void {
    this.#options.observer.tls(this)
  }

  failed(): void {
    this.meet('app_layer_error')
  }
}

/** Addresses of both ends, four or sixteen bytes, latin1. */
function hostsOf(
  first: Packet,
  { clientAddress }: Connection,
): { readonly client: string; readonly server: string } {
  const source = first.sourceBytes.toString('latin1')
  const destination = first.destinationBytes.toString('latin1')
  return first.source === clientAddress
    ? { client: source, server: destination }
    : { client: destination, server: source }
}
