import type { HttpTransaction } from '#inspectors/http/transaction.ts'
import {
  type Alert,
  BORROWED_CHUNK_BYTES,
  type Connection,
  type ConnectionInspector,
  type Flow,
  PASS,
  type Verdict,
} from '#inspectors/inspector.ts'
import { headBefore, isHeadFull, learnApplication } from './application.ts'
import type { Packet } from './capture/packet.ts'
import { Datagrams } from './datagrams.ts'
import { DcerpcInspection } from './dcerpc-inspection.ts'
import { DnsInspection } from './dns-inspection.ts'
import type { DnsMessage } from './dns/message.ts'
import type { Engine } from './engine.ts'
import type { Findings, Origin, Outcome } from './findings.ts'
import { FlowContext } from './flow-context.ts'
import { HttpInspection, isLastChunk } from './http-inspection.ts'
import type { Inspections } from './inspections.ts'
import type { PacketStanding } from './packet-inspection.ts'
import type { Side } from './program/compiled-rule.ts'
import type { FlowState } from './state/flow-state.ts'
import type { StreamMode } from './stream-inspection.ts'
import { TlsInspection } from './tls-inspection.ts'
import type { TlsSession } from './tls/tls-session.ts'

const NO_ALERTS: readonly Alert[] = []

/** Protocols that only the server's bytes tell. */
const SPEAKS_ONE_WAY = new Set(['smtp', 'ftp', 'pop3', 'imap'])

/** The rules over one connection. What only some connections have is made when it is met. */
export class IdsConnection implements ConnectionInspector {
  readonly #inspections: Inspections
  readonly #context: FlowContext
  #http: HttpInspection | null = null
  #tls: TlsInspection | null = null
  #rpc: DcerpcInspection | null = null
  #dns: DnsInspection | null = null
  #datagrams: Datagrams | null = null

  constructor(inspections: Inspections, connection: Connection) {
    this.#inspections = inspections
    this.#context = new FlowContext(connection, inspections.engine)
  }

  bytes(flow: Flow, chunk: Buffer): Verdict {
    this.learn(flow, chunk)
    return this.inspect(flow, chunk, 'line', chunk.buffer.byteLength < BORROWED_CHUNK_BYTES)
  }

  /** The first half of `bytes`: counts them and looks for the protocol. */
  learn(flow: Flow, chunk: Buffer): void {
    const side = sideOf(flow)
    const context = this.#context
    const isRequest = side === 'request'
    const own = isRequest ? context.request : context.response
    const other = isRequest ? context.response : context.request
    own.streamBytes += chunk.length
    const found = own.spoken ?? learnApplication(own, other, side, chunk)
    context.application ??= found
    if (context.application === 'tls') this.#tlsBytes(side, chunk)
    else if (context.application === 'dcerpc') this.#rpcBytes(side, chunk)
  }

  /**
   * The second half of `bytes`, which a capture puts off to the next packet of the direction.
   *
   * @param isHeld the chunk stays as it is after the call
   */
  inspect(flow: Flow, chunk: Buffer, mode: StreamMode = 'line', isHeld = false): Verdict {
    const side = sideOf(flow)
    const context = this.#context
    context.chunkBytes = chunk.length
    const { findings, streams } = this.#inspections
    const direction = context.direction(side)
    if (!context.passes) {
      findings.about(context, flow, 'stream', null)
      streams.bytes(context, side, chunk, mode, isHeld)
      if (!direction.hasSpoken) this.#hear(side)
    }
    if (this.#tls !== null) {
      findings.about(context, flow, 'transaction', this.#tls.session)
      this.#tls.inspect(side, direction.stream.window)
    }
    if (this.#rpc !== null) {
      findings.about(context, flow, 'transaction', null)
      this.#rpc.inspect(side, direction.stream.window)
    }
    const verdict = findings.take()
    if (verdict !== PASS || this.#tls?.encrypted !== true) return verdict
    return { kind: 'bypass', reason: 'encrypted', alerts: NO_ALERTS }
  }

  /** Of a capture in line: bytes that were let go before came again, with the values that they had. */
  again(flow: Flow, chunk: Buffer): void {
    if (this.#context.passes) return
    this.#about(flow, 'stream', null)
    this.#inspections.streams.again(this.#context, sideOf(flow), chunk)
  }

  requestHead(transaction: HttpTransaction): Verdict {
    this.#context.application = 'http'
    if (this.#context.passes) return PASS
    this.#about('to_server', 'transaction', transaction)
    this.#httpRules.head(transaction, 'request')
    return this.#inspections.findings.take()
  }

  /** Chunks are judged as they come: a match is found with the chunk that completes it. */
  holdsRequestBody(): boolean {
    return false
  }

  /**
   * @param isLast said by who shows the chunk later than it came
   * @param isHeld the chunk stays as it is after the call
   */
  requestBody(
    transaction: HttpTransaction,
    chunk: Buffer,
    isLast?: boolean,
    isHeld = false,
  ): Verdict {
    return this.#body(transaction, 'to_server', chunk, isHeld, isLast)
  }

  requestEnd(transaction: HttpTransaction): Verdict {
    return this.#end(transaction, 'to_server')
  }

  responseHead(transaction: HttpTransaction): Verdict {
    if (this.#context.passes) return PASS
    this.#about('to_client', 'transaction', transaction)
    this.#httpRules.head(transaction, 'response')
    return this.#inspections.findings.take()
  }

  holdsResponseBody(): boolean {
    return false
  }

  responseBody(
    transaction: HttpTransaction,
    chunk: Buffer,
    isLast?: boolean,
    isHeld = false,
  ): Verdict {
    return this.#body(transaction, 'to_client', chunk, isHeld, isLast)
  }

  responseEnd(transaction: HttpTransaction): Verdict {
    return this.#end(transaction, 'to_client')
  }

  /** Of a capture: the parser found a fault; `name` as in `app-layer-event`, without `http.`. */
  httpEvent(transaction: HttpTransaction, flow: Flow, name: string): Verdict {
    if (this.#context.passes) return PASS
    this.#about(flow, 'transaction', transaction)
    this.#httpRules.raise(transaction, sideOf(flow), name)
    return this.#inspections.findings.take()
  }

  transactionEnd(transaction: HttpTransaction): Verdict {
    this.#http?.close(transaction)
    return PASS
  }

  close(): Verdict {
    return PASS
  }

  /** Of a capture: one packet of the connection or flow, before what it brings in order. */
  packet(packet: Packet, flow: Flow, standing: PacketStanding): Verdict {
    this.#about(flow, 'packet', null)
    this.#inspections.packets.packet(this.#context, packet, sideOf(flow), standing)
    return this.#inspections.findings.take()
  }

  /** What the newest packet brings in order was shown: the rules about packets that ask for it. */
  afterStream(flow: Flow): Verdict {
    if (this.#context.passes) return PASS
    this.#about(flow, 'packet', null)
    this.#inspections.packets.afterStream(this.#context)
    return this.#inspections.findings.take()
  }

  /** Whether rules are asked about what comes; protocols are read in any case. */
  asks(isAsked: boolean): void {
    this.#context.passes = !isAsked
  }

  /** Bits and numbers that rules have set. */
  get state(): FlowState {
    return this.#context.state
  }

  /** What all that matched since the last time comes to; null: nothing did. */
  settle(): Outcome | null {
    return this.#inspections.findings.settle(this.#context)
  }

  /**
   * A DNS message, of a datagram or of a connection.
   *
   * @param transaction what findings name as the one they are about
   * @param faults of the message where it was seen: names of `app-layer-event`, without `dns.`
   */
  dns(
    flow: Flow,
    message: DnsMessage,
    bytes: Buffer,
    transaction: object | null = null,
    faults: readonly string[] = [],
  ): Verdict {
    this.#context.application = 'dns'
    if (this.#context.passes) return PASS
    this.#dns ??= this.#made(DnsInspection)
    this.#about(flow, 'transaction', transaction)
    this.#dns.message(sideOf(flow), message, bytes, faults)
    return this.#inspections.findings.take()
  }

  /** In line: one datagram and the message that it is. */
  datagram(flow: Flow, packet: Packet): Verdict {
    this.#datagrams ??= new Datagrams(this)
    return this.#datagrams.inspect(flow, packet)
  }

  /** Of a datagram the protocol is told by who reads it. */
  speaks(application: string): void {
    this.#context.application = application
  }

  /** Newest bytes of a direction's stream, latin1, as records quote them: with a note where some are missing. */
  quoted(flow: Flow): string {
    return this.#context.direction(sideOf(flow)).stream.quoted
  }

  /** Of a capture: so many bytes of a stream were not seen. */
  gap(flow: Flow, bytes: number): Verdict {
    this.#context.direction(sideOf(flow)).stream.gap(bytes)
    this.#tls?.gap(sideOf(flow))
    this.#rpc?.gap(sideOf(flow))
    return PASS
  }

  /** Of a capture: no byte of the connection will come any more. What is open keeps what it was matched with. */
  rest(): void {
    if (this.#http?.isIdle === false) return
    this.#http = null
    this.#context.request.rest()
    this.#context.response.rest()
  }

  /** Handshake of a TLS connection, for records. */
  get tlsSession(): TlsSession | null {
    return this.#tls?.session ?? null
  }

  /** Protocol that each direction's own bytes tell; null: none. */
  get spoken(): Readonly<Record<Side, string | null>> {
    const { request, response } = this.#context
    return { request: request.spoken, response: response.spoken }
  }

  /** Protocol by the bytes seen; `failed`: none that is known; null: not enough of them yet. */
  get application(): string | null {
    return this.#context.application
  }

  #body(
    transaction: HttpTransaction,
    flow: Flow,
    chunk: Buffer,
    isHeld: boolean,
    isLast = isLastChunk(transaction, sideOf(flow)),
  ): Verdict {
    if (this.#context.passes) return PASS
    this.#about(flow, 'transaction', transaction)
    this.#httpRules.body(transaction, sideOf(flow), chunk, isLast, isHeld)
    return this.#inspections.findings.take()
  }

  #end(transaction: HttpTransaction, flow: Flow): Verdict {
    if (this.#context.passes) return PASS
    this.#about(flow, 'transaction', transaction)
    this.#httpRules.end(transaction, sideOf(flow))
    return this.#inspections.findings.take()
  }

  #about(flow: Flow, origin: Origin, transaction: object | null): void {
    this.#inspections.findings.about(this.#context, flow, origin, transaction)
  }

  get #httpRules(): HttpInspection {
    return (this.#http ??= this.#made(HttpInspection))
  }

  #made<Rules>(
    Kind: new (engine: Engine, context: FlowContext, findings: Findings) => Rules,
  ): Rules {
    const { engine, findings } = this.#inspections
    return new Kind(engine, this.#context, findings)
  }

  /** Whether what the direction's own bytes tell of the protocol fits what the other one's told. */
  #hear(side: Side): void {
    const context = this.#context
    const { streams } = this.#inspections
    const isRequest = side === 'request'
    const own = isRequest ? context.request : context.response
    const opposite = isRequest ? context.response : context.request
    const found = own.spoken
    if (found === null && !isHeadFull(own)) return
    own.hasSpoken = true
    const other = opposite.hasSpoken ? opposite.spoken : null
    if (found === null) {
      if (context.application === 'failed')
        streams.raise(context, 'applayer_proto_detection_skipped', side)
      else if (other !== null && !SPEAKS_ONE_WAY.has(other))
        streams.raise(context, 'applayer_detect_protocol_only_one_direction', side)
    } else if (other !== null && other !== found)
      streams.raise(context, 'applayer_mismatch_protocol_both_directions', side)
    else if (found === 'http' && isRequest && context.response.streamBytes > 0)
      streams.raise(context, 'applayer_wrong_direction_first_data', side)
  }

  #tlsBytes(side: Side, chunk: Buffer): void {
    if (this.#tls !== null) {
      this.#tls.read(side, chunk)
      return
    }
    this.#tls = this.#made(TlsInspection)
    this.#tls.read(side, this.#whole(side, chunk))
  }

  #rpcBytes(side: Side, chunk: Buffer): void {
    if (this.#rpc !== null) {
      this.#rpc.read(side, chunk)
      return
    }
    this.#rpc = this.#made(DcerpcInspection)
    this.#rpc.read(side, this.#whole(side, chunk))
  }

  /** The chunk with which the protocol is known, and what came before it in this direction: it belongs to it. */
  #whole(side: Side, chunk: Buffer): Buffer {
    const before = headBefore(this.#context.direction(side), chunk)
    return before.length === 0 ? chunk : Buffer.concat([before, chunk])
  }
}

function sideOf(flow: Flow): Side {
  return flow === 'to_server' ? 'request' : 'response'
}
