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
import { ApplicationDetector } from './application.ts'
import type { Packet } from './capture/packet.ts'
import { Datagrams } from './datagrams.ts'
import { DcerpcInspection } from './dcerpc-inspection.ts'
import { DnsInspection } from './dns-inspection.ts'
import type { DnsMessage } from './dns/message.ts'
import type { Engine } from './engine.ts'
import { Findings, type Outcome } from './findings.ts'
import { FlowContext } from './flow-context.ts'
import { HttpInspection, isLastChunk } from './http-inspection.ts'
import { PacketInspection, type PacketStanding } from './packet-inspection.ts'
import type { Side } from './program/compiled-rule.ts'
import type { FlowState } from './state/flow-state.ts'
import { StreamInspection, type StreamMode } from './stream-inspection.ts'
import { TlsInspection } from './tls-inspection.ts'
import type { TlsSession } from './tls/tls-session.ts'

const NO_ALERTS: readonly Alert[] = []

/** Protocols that only the server's bytes tell. */
const SPEAKS_ONE_WAY = new Set(['smtp', 'ftp', 'pop3', 'imap'])

/** The rules over one connection. */
export class IdsConnection implements ConnectionInspector {
  readonly #context: FlowContext
  readonly #findings: Findings
  readonly #http: HttpInspection
  readonly #stream: StreamInspection
  #tls: TlsInspection | null = null
  #rpc: DcerpcInspection | null = null
  #packets: PacketInspection | null = null
  #dns: DnsInspection | null = null
  #datagrams: Datagrams | null = null
  readonly #engine: Engine
  readonly #detector = new ApplicationDetector()
  /** The direction's own bytes told a protocol, or will not. */
  readonly #hasSpoken: Record<Side, boolean> = { request: false, response: false }

  constructor(engine: Engine, connection: Connection) {
    this.#engine = engine
    this.#context = new FlowContext(connection, engine)
    this.#findings = new Findings(engine)
    this.#stream = new StreamInspection(engine, this.#context, this.#findings)
    this.#http = new HttpInspection(engine, this.#context, this.#findings, this.#stream)
  }

  bytes(flow: Flow, chunk: Buffer): Verdict {
    this.learn(flow, chunk)
    return this.inspect(flow, chunk, 'line', chunk.buffer.byteLength < BORROWED_CHUNK_BYTES)
  }

  /** The first half of `bytes`: counts them and looks for the protocol. */
  learn(flow: Flow, chunk: Buffer): void {
    const side = sideOf(flow)
    const context = this.#context
    if (side === 'request') context.toServerBytes += chunk.length
    else context.toClientBytes += chunk.length
    const { spoken } = context
    const own = side === 'request' ? spoken.request : spoken.response
    if (own === null) {
      const found = this.#detector.push(side, chunk)
      spoken[side] = this.#detector.spoken(side)
      if (context.application === null) context.application = found
    } else if (context.application === null) context.application = own
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
    if (!this.#findings.passes) {
      this.#findings.about(flow, 'stream', null)
      this.#stream.bytes(side, chunk, mode, isHeld)
      const { request, response } = this.#hasSpoken
      if (!(side === 'request' ? request : response)) this.#hear(side)
    }
    if (this.#tls !== null) {
      this.#findings.about(flow, 'transaction', this.#tls.session)
      this.#tls.inspect(side, this.#stream.side(side).window)
    }
    if (this.#rpc !== null) {
      this.#findings.about(flow, 'transaction', null)
      this.#rpc.inspect(side, this.#stream.side(side).window)
    }
    const verdict = this.#findings.take()
    if (verdict !== PASS || this.#tls?.encrypted !== true) return verdict
    return { kind: 'bypass', reason: 'encrypted', alerts: NO_ALERTS }
  }

  /** Of a capture in line: bytes that were let go before came again, with the values that they had. */
  again(flow: Flow, chunk: Buffer): void {
    if (this.#findings.passes) return
    this.#findings.about(flow, 'stream', null)
    this.#stream.again(sideOf(flow), chunk)
  }

  requestHead(transaction: HttpTransaction): Verdict {
    this.#context.application = 'http'
    if (this.#findings.passes) return PASS
    this.#findings.about('to_server', 'transaction', transaction)
    this.#http.head(transaction, 'request')
    return this.#findings.take()
  }

  /** Chunks are judged as they come: a match is found with the chunk that completes it. */
  holdsRequestBody(): boolean {
    return false
  }

  /** @param isLast said by who shows the chunk later than it came */
  requestBody(transaction: HttpTransaction, chunk: Buffer, isLast?: boolean): Verdict {
    return this.#body(transaction, 'to_server', chunk, isLast)
  }

  requestEnd(transaction: HttpTransaction): Verdict {
    return this.#end(transaction, 'to_server')
  }

  responseHead(transaction: HttpTransaction): Verdict {
    if (this.#findings.passes) return PASS
    this.#findings.about('to_client', 'transaction', transaction)
    this.#http.head(transaction, 'response')
    return this.#findings.take()
  }

  holdsResponseBody(): boolean {
    return false
  }

  responseBody(transaction: HttpTransaction, chunk: Buffer, isLast?: boolean): Verdict {
    return this.#body(transaction, 'to_client', chunk, isLast)
  }

  responseEnd(transaction: HttpTransaction): Verdict {
    return this.#end(transaction, 'to_client')
  }

  /** Of a capture: the parser found a fault; `name` as in `app-layer-event`, without `http.`. */
  httpEvent(transaction: HttpTransaction, flow: Flow, name: string): Verdict {
    if (this.#findings.passes) return PASS
    this.#findings.about(flow, 'transaction', transaction)
    this.#http.raise(transaction, sideOf(flow), name)
    return this.#findings.take()
  }

  transactionEnd(transaction: HttpTransaction): Verdict {
    this.#http.close(transaction)
    return PASS
  }

  close(): Verdict {
    return PASS
  }

  /** Of a capture: one packet of the connection or flow, before what it brings in order. */
  packet(packet: Packet, flow: Flow, standing: PacketStanding): Verdict {
    this.#packets ??= new PacketInspection(this.#engine, this.#context, this.#findings)
    this.#findings.about(flow, 'packet', null)
    this.#packets.packet(packet, sideOf(flow), standing)
    return this.#findings.take()
  }

  /** The newest verdict holds for all that follows, not for its packet or message alone. */
  get concernsFlow(): boolean {
    return this.#findings.concernsFlow
  }

  /** What the newest packet brings in order was shown: the rules about packets that ask for it. */
  afterStream(flow: Flow): Verdict {
    if (this.#packets === null || this.#findings.passes) return PASS
    this.#findings.about(flow, 'packet', null)
    this.#packets.afterStream()
    return this.#findings.take()
  }

  /** Whether rules are asked about what comes; protocols are read in any case. */
  asks(isAsked: boolean): void {
    this.#findings.asks(isAsked)
  }

  /** Bits and numbers that rules have set. */
  get state(): FlowState {
    return this.#context.state
  }

  /** What all that matched since the last time comes to; null: nothing did. */
  settle(): Outcome | null {
    return this.#findings.settle()
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
    if (this.#findings.passes) return PASS
    this.#dns ??= new DnsInspection(this.#engine, this.#context, this.#findings)
    this.#findings.about(flow, 'transaction', transaction)
    this.#dns.message(sideOf(flow), message, bytes, faults)
    return this.#findings.take()
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
    return this.#stream.quoted(sideOf(flow))
  }

  /** Of a capture: so many bytes of a stream were not seen. */
  gap(flow: Flow, bytes: number): Verdict {
    this.#stream.gap(sideOf(flow), bytes)
    this.#tls?.gap(sideOf(flow))
    this.#rpc?.gap(sideOf(flow))
    return PASS
  }

  /** Of a capture: no byte of the connection will come any more. What is open keeps what it was matched with. */
  rest(): void {
    if (this.#http.isIdle) this.#stream.rest()
  }

  /** Handshake of a TLS connection, for records. */
  get tlsSession(): TlsSession | null {
    return this.#tls?.session ?? null
  }

  /** Protocol that each direction's own bytes tell; null: none. */
  get spoken(): Readonly<Record<Side, string | null>> {
    return this.#context.spoken
  }

  /** Protocol by the bytes seen; `failed`: none that is known; null: not enough of them yet. */
  get application(): string | null {
    return this.#context.application
  }

  #body(
    transaction: HttpTransaction,
    flow: Flow,
    chunk: Buffer,
    isLast = isLastChunk(transaction, sideOf(flow)),
  ): Verdict {
    if (this.#findings.passes) return PASS
    this.#findings.about(flow, 'transaction', transaction)
    this.#http.body(transaction, sideOf(flow), chunk, isLast)
    return this.#findings.take()
  }

  #end(transaction: HttpTransaction, flow: Flow): Verdict {
    if (this.#findings.passes) return PASS
    this.#findings.about(flow, 'transaction', transaction)
    this.#http.end(transaction, sideOf(flow))
    return this.#findings.take()
  }

  /** Whether what the direction's own bytes tell of the protocol fits what the other one's told. */
  #hear(side: Side): void {
    const { spoken, application } = this.#context
    const found = spoken[side]
    if (found === null && !this.#detector.isFull(side)) return
    this.#hasSpoken[side] = true
    const otherSide = side === 'request' ? 'response' : 'request'
    const other = this.#hasSpoken[otherSide] ? spoken[otherSide] : null
    if (found === null) {
      if (application === 'failed') this.#stream.raise('applayer_proto_detection_skipped', side)
      else if (other !== null && !SPEAKS_ONE_WAY.has(other))
        this.#stream.raise('applayer_detect_protocol_only_one_direction', side)
    } else if (other !== null && other !== found)
      this.#stream.raise('applayer_mismatch_protocol_both_directions', side)
    else if (found === 'http' && side === 'request' && this.#context.toClientBytes > 0)
      this.#stream.raise('applayer_wrong_direction_first_data', side)
  }

  #tlsBytes(side: Side, chunk: Buffer): void {
    if (this.#tls !== null) {
      this.#tls.read(side, chunk)
      return
    }
    this.#tls = new TlsInspection(this.#engine, this.#context, this.#findings)
    this.#tls.read(side, this.#whole(side, chunk))
  }

  #rpcBytes(side: Side, chunk: Buffer): void {
    if (this.#rpc !== null) {
      this.#rpc.read(side, chunk)
      return
    }
    this.#rpc = new DcerpcInspection(this.#engine, this.#context, this.#findings)
    this.#rpc.read(side, this.#whole(side, chunk))
  }

  /** The chunk with which the protocol is known, and what came before it in this direction: it belongs to it. */
  #whole(side: Side, chunk: Buffer): Buffer {
    const before = this.#detector.before(side, chunk)
    return before.length === 0 ? chunk : Buffer.concat([before, chunk])
  }
}

function sideOf(flow: Flow): Side {
  return flow === 'to_server' ? 'request' : 'response'
}
