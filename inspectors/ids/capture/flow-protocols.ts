import type { Connection, Flow } from '#inspectors/inspector.ts'
import type { IdsConnection } from '../connection.ts'
import { type DnsMessage, parseDnsMessage } from '../dns/message.ts'
import { isPlausible } from '../dns/plausible.ts'
import { type DnsLog, DnsStream, looksLikeDnsStream } from './dns-stream.ts'
import { type HttpListener, HttpRelay } from './http-events.ts'
import { PermissiveHttpParser } from './http/permissive-parser.ts'
import { type Packet, UDP } from './packet.ts'
import type { Questions } from './questions.ts'

/** Bytes of a direction that wait for the protocol to be known. */
const MAX_UNDECIDED_BYTES = 4096

/** What the protocols of a flow are about to tell. */
export interface ProtocolEvents extends HttpListener {
  /** A transaction began. */
  begin(transaction: object | null): void
  dns(log: DnsLog, flow: Flow): void
  tls(): void
  /** The protocol is known and what came is none of it. */
  failed(): void
}

/** What came of both directions while their protocol is not known. */
interface Undecided {
  readonly chunks: Record<Flow, Buffer[]>
  readonly bytes: Record<Flow, number>
  /** Bytes that no parser will be shown. */
  readonly skipped: Record<Flow, number>
}

export interface ProtocolOptions {
  /** Milliseconds since the epoch. */
  readonly now: () => number
  readonly dnsPorts: ReadonlySet<number>
  /** Bytes that are read stay as they are. */
  readonly holdsPackets: boolean
}

type Spoken = 'undecided' | 'http' | 'dns' | 'tls' | 'other'

/** What one flow of a capture speaks: found out, and read. */
export class FlowProtocols {
  readonly #ids: IdsConnection
  readonly #connection: Connection
  readonly #events: ProtocolEvents
  readonly #questions: Questions
  readonly #options: ProtocolOptions
  #protocol: Spoken = 'undecided'
  /** Still to be read when the protocol is known; null: nothing is. */
  #undecided: Undecided | null = null
  #tlsTold = false
  #http: PermissiveHttpParser | null = null
  #dns: Record<Flow, DnsStream> | null = null
  #dnsMessages = 0

  constructor(
    ids: IdsConnection,
    connection: Connection,
    questions: Questions,
    events: ProtocolEvents,
    options: ProtocolOptions,
  ) {
    this.#ids = ids
    this.#connection = connection
    this.#questions = questions
    this.#events = events
    this.#options = options
  }

  /** Name of the protocol; null: none is known. */
  get application(): string | null {
    return this.#protocol === 'http' ? 'http' : this.#ids.application
  }

  /** The DNS message that a datagram is; null: it is none. */
  dnsOf(packet: Packet): DnsMessage | null {
    if (packet.protocol !== UDP || packet.payload.length === 0) return null
    const { clientPort, serverPort } = this.#connection
    const ports = this.#options.dnsPorts
    const isDns = ports.has(serverPort) || ports.has(clientPort) || this.#protocol === 'dns'
    const message = parseDnsMessage(packet.payload)
    if (message === null && this.#protocol === 'dns') this.#events.failed()
    if (message === null || (!isDns && !isPlausible(message))) return null
    this.#protocol = 'dns'
    this.#ids.speaks('dns')
    return message
  }

  /** A message, of a datagram or of a stream, from one side. */
  message(message: DnsMessage, bytes: Buffer, from: Flow): void {
    // Who asks is the client, whichever packet came first.
    const flow: Flow = message.isResponse ? 'to_client' : from
    // A question is one transaction and its answer another.
    const log = { message, index: this.#dnsMessages }
    this.#dnsMessages += 1
    this.#events.begin(log)
    const isAstray = message.isResponse ? from === 'to_server' : from === 'to_client'
    const fault = message.isResponse ? 'not_a_request' : 'not_a_response'
    const faults = isAstray && this.#dnsMessages > 1 ? [fault] : []
    this.#questions.other(from, () => this.#ids.dns(flow, message, bytes, log, faults))
    this.#events.dns(log, flow)
  }

  /** Bytes in order, of a TCP connection: what protocol are they of? They are read with `bytes`. */
  learn(flow: Flow, bytes: Buffer): void {
    if (this.#protocol !== 'undecided') return
    const undecided = (this.#undecided ??= nothingYet())
    undecided.chunks[flow].push(Buffer.from(bytes))
    undecided.bytes[flow] += bytes.length
    this.#protocol = this.#decide(flow, undecided)
    if (this.#protocol === 'dns') this.#ids.speaks('dns')
  }

  bytes(flow: Flow, bytes: Buffer): void {
    if (this.#protocol === 'undecided') return
    const held = this.#undecided
    if (held === null) {
      this.#read(flow, bytes)
      return
    }
    this.#undecided = null
    if (this.#protocol === 'http') this.#http = this.#parserFrom(held.skipped)
    for (const direction of ['to_server', 'to_client'] as const)
      for (const chunk of held.chunks[direction]) this.#read(direction, chunk)
  }

  #read(flow: Flow, bytes: Buffer): void {
    switch (this.#protocol) {
      case 'http':
        if (flow === 'to_server') this.#http?.pushClient(bytes)
        else this.#http?.pushServer(bytes)
        return
      case 'dns':
        this.#dns ??= { to_server: new DnsStream(), to_client: new DnsStream() }
        for (const message of this.#dns[flow].push(bytes)) this.#dnsBytes(message, flow)
        return
      case 'tls':
        this.tellTlsWhenReady()
        return
      case 'other':
      case 'undecided':
    }
  }

  /** Bytes of a direction were never seen: each protocol makes of it what it can. */
  gap(flow: Flow, bytes: number): void {
    if (flow === 'to_server') this.#http?.gapClient(bytes)
    else this.#http?.gapServer(bytes)
    this.#dns?.[flow].gap()
    if (this.#protocol !== 'undecided') return
    const undecided = (this.#undecided ??= nothingYet())
    undecided.skipped[flow] += undecided.bytes[flow] + bytes
    undecided.chunks[flow] = []
    undecided.bytes[flow] = 0
  }

  endOf(flow: Flow): void {
    if (flow === 'to_server') this.#http?.endClient()
    else this.#http?.endServer()
  }

  end(): void {
    this.#http?.end()
    this.tellTls()
  }

  /**
   * No byte will come any more: what reading took is given back.
   *
   * @returns false: an exchange is left to be told at the end
   */
  rest(): boolean {
    if (this.#http?.isOver === false) return false
    this.#http = null
    return true
  }

  /** The end of the flow may tell of a handshake. */
  get hasToTell(): boolean {
    return !this.#tlsTold && this.#ids.tlsSession !== null
  }

  #decide(flow: Flow, { chunks, bytes }: Undecided): Spoken {
    const { serverPort } = this.#connection
    const { application } = this.#ids
    if (application === 'http' || application === 'tls') return application
    const isDnsPort = this.#options.dnsPorts.has(serverPort)
    if (isDnsPort && looksLikeDnsStream(Buffer.concat(chunks[flow]))) return 'dns'
    const isOther = application !== null && application !== 'failed'
    return isOther || bytes[flow] > MAX_UNDECIDED_BYTES ? 'other' : 'undecided'
  }

  #parserFrom(skipped: Undecided['skipped']): PermissiveHttpParser {
    const { holdsPackets, now } = this.#options
    const relay = new HttpRelay(this.#ids, this.#questions, this.#events, holdsPackets)
    return new PermissiveHttpParser(relay, now, skipped)
  }

  #dnsBytes(bytes: Buffer, flow: Flow): void {
    const message = parseDnsMessage(bytes)
    if (message === null) this.#events.failed()
    else this.message(message, bytes, flow)
  }

  /** The record of a handshake is told once, when nothing of it is still to come. */
  tellTlsWhenReady(): void {
    const session = this.#ids.tlsSession
    if (session !== null && session.isOver('request') && session.isOver('response')) this.tellTls()
  }

  /** The record of a handshake as far as it came. */
  tellTls(): void {
    if (this.#tlsTold || this.#ids.tlsSession?.client === null || this.#ids.tlsSession === null)
      return
    this.#tlsTold = true
    this.#events.begin(null)
    this.#events.tls()
  }
}

function nothingYet(): Undecided {
  return {
    chunks: { to_server: [], to_client: [] },
    bytes: { to_server: 0, to_client: 0 },
    skipped: { to_server: 0, to_client: 0 },
  }
}
