import type { HttpTransaction } from '#inspectors/http/transaction.ts'
import {
  type Alert,
  type Connection,
  type ConnectionInspector,
  type Flow,
  PASS,
  type Verdict,
} from '#inspectors/inspector.ts'
import { ApplicationDetector } from './application.ts'
import type { Packet } from './capture/packet.ts'
import { DnsInspection } from './dns-inspection.ts'
import type { DnsMessage } from './dns/message.ts'
import type { Engine } from './engine.ts'
import { Findings } from './findings.ts'
import { FlowContext } from './flow-context.ts'
import { HttpInspection } from './http-inspection.ts'
import { PacketInspection, type PacketStanding } from './packet-inspection.ts'
import type { Side } from './program/compiled-rule.ts'
import { StreamInspection } from './stream-inspection.ts'
import { TlsInspection } from './tls-inspection.ts'
import type { TlsSession } from './tls/tls-session.ts'

const NO_ALERTS: readonly Alert[] = []

/** The rules over one connection. */
export class IdsConnection implements ConnectionInspector {
  readonly #context: FlowContext
  readonly #findings: Findings
  readonly #http: HttpInspection
  readonly #stream: StreamInspection
  #tls: TlsInspection | null = null
  #packets: PacketInspection | null = null
  #dns: DnsInspection | null = null
  readonly #engine: Engine
  readonly #detector = new ApplicationDetector()

  constructor(engine: Engine, connection: Connection) {
    this.#engine = engine
    this.#context = new FlowContext(connection, engine)
    this.#findings = new Findings(engine)
    this.#http = new HttpInspection(engine, this.#context, this.#findings)
    this.#stream = new StreamInspection(engine, this.#context, this.#findings)
  }

  bytes(flow: Flow, chunk: Buffer): Verdict {
    const side = sideOf(flow)
    const context = this.#context
    context.chunkBytes = chunk.length
    if (side === 'request') context.toServerBytes += chunk.length
    else context.toClientBytes += chunk.length
    if (context.application === null) context.application = this.#detector.push(side, chunk)
    this.#stream.bytes(side, chunk)
    if (context.application === 'tls' && !this.#findings.passes) this.#tlsBytes(side, chunk)
    const verdict = this.#findings.take()
    if (verdict !== PASS || this.#tls?.encrypted !== true) return verdict
    return { kind: 'bypass', reason: 'encrypted', alerts: NO_ALERTS }
  }

  requestHead(transaction: HttpTransaction): Verdict {
    this.#context.application = 'http'
    this.#http.head(transaction, 'request', this.#stream.window('request'))
    return this.#findings.take()
  }

  /** Chunks are judged as they come: a match is found with the chunk that completes it. */
  holdsRequestBody(): boolean {
    return false
  }

  requestBody(transaction: HttpTransaction, chunk: Buffer): Verdict {
    this.#http.body(transaction, 'request', chunk)
    return this.#findings.take()
  }

  requestEnd(transaction: HttpTransaction): Verdict {
    this.#http.end(transaction, 'request')
    return this.#findings.take()
  }

  responseHead(transaction: HttpTransaction): Verdict {
    this.#http.head(transaction, 'response', this.#stream.window('response'))
    return this.#findings.take()
  }

  holdsResponseBody(): boolean {
    return false
  }

  responseBody(transaction: HttpTransaction, chunk: Buffer): Verdict {
    this.#http.body(transaction, 'response', chunk)
    return this.#findings.take()
  }

  responseEnd(transaction: HttpTransaction): Verdict {
    this.#http.end(transaction, 'response')
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
    this.#packets.packet(packet, sideOf(flow), standing)
    return this.#findings.take()
  }

  /** A drop of the newest packet holds for all that follow. */
  get concernsFlow(): boolean {
    return this.#packets?.concernsFlow ?? false
  }

  /** A DNS message, of a datagram or of a connection. */
  dns(flow: Flow, message: DnsMessage, bytes: Buffer): Verdict {
    this.#context.application = 'dns'
    this.#dns ??= new DnsInspection(this.#engine, this.#context, this.#findings)
    this.#dns.message(sideOf(flow), message, bytes)
    return this.#findings.take()
  }

  /** Of a datagram the protocol is told by who reads it. */
  speaks(application: string): void {
    this.#context.application = application
  }

  /** Newest bytes of a direction's stream, latin1. */
  window(flow: Flow): string {
    return this.#stream.window(sideOf(flow)).text
  }

  /** Handshake of a TLS connection, for records. */
  get tlsSession(): TlsSession | null {
    return this.#tls?.session ?? null
  }

  /** Protocol by the bytes seen; `failed`: none that is known; null: not enough of them yet. */
  get application(): string | null {
    return this.#context.application
  }

  #tlsBytes(side: Side, chunk: Buffer): void {
    if (this.#tls !== null) {
      this.#tls.bytes(side, chunk, this.#stream.window(side))
      return
    }
    this.#tls = new TlsInspection(this.#engine, this.#context, this.#findings)
    // The protocol is known with this chunk: what came before it in this direction belongs to it.
    const before = this.#detector.before(side, chunk)
    const whole = before.length === 0 ? chunk : Buffer.concat([before, chunk])
    this.#tls.bytes(side, whole, this.#stream.window(side))
  }
}

function sideOf(flow: Flow): Side {
  return flow === 'to_server' ? 'request' : 'response'
}
