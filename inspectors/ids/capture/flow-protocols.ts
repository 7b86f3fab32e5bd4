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

type Spoken = 'undecided' | 'http' | 'dns' | 'tls' | 'other'

/** What one flow of a capture speaks: found out, and read. */
export class FlowProtocols {
  readonly #ids: IdsConnection
  readonly #connection: Connection
  readonly #events: ProtocolEvents
  readonly #now: () => number
  readonly #dnsPorts: ReadonlySet<number>
  readonly #questions: Questions
  readonly #holdsPackets: boolean
  #protocol: Spoken = 'undecided'
  /** The protocol is known and what came before is still to be read. */
  #isHeld = false
  #tlsTold = false
  #http: PermissiveHttpParser | null = null
  readonly #undecided: Record<Flow, Buffer[]> = { to_server: [], to_client: [] }
  readonly #undecidedBytes: Record<Flow, number> = { to_server: 0, to_client: 0 }
  /** Bytes of each direction that no parser will be shown. */
  readonly #skipped: Record<Flow, number> = { to_server: 0, to_client: 0 }
  readonly #dns: Record<Flow, DnsStream | null> = { to_server: null, to_client: null }
  #dnsMessages = 0

  /**
   * @param options.now milliseconds since the epoch
   * @param options.holdsPackets bytes that are read stay as they are
   */
  constructor(
    ids: IdsConnection,
    connection: Connection,
    questions: Questions,
    events: ProtocolEvents,
    options: {
      readonly now: () => number
      readonly dnsPorts: ReadonlySet<number>
      readonly holdsPackets: boolean
    },
  ) {
    this.#ids = ids
    this.#connection = connection
    this.#questions = questions
    this.#events = events
    this.#holdsPackets = options.holdsPackets
    this.#now = options.now
    this.#dnsPorts = options.dnsPorts
  }

  /** Name of the protocol; null: none is known. */
  get application(): string | null {
    return this.#protocol === 'http' ? 'http' : this.#ids.application
  }

  /** The DNS message that a datagram is; null: it is none. */
  dnsOf(packet: Packet): DnsMessage | null {
    if (packet.protocol !== UDP || packet.payload.length === 0) return null
    const { clientPort, serverPort } = this.#connection
    const ports = this.#dnsPorts
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
    this.#undecided[flow].push(Buffer.from(bytes))
    this.#undecidedBytes[flow] += bytes.length
    this.#protocol = this.#decide(flow)
    if (this.#protocol === 'dns') this.#ids.speaks('dns')
    this.#isHeld = true
  }

  bytes(flow: Flow, bytes: Buffer): void {
    if (this.#protocol === 'undecided') return
    if (!this.#isHeld) {
      this.#read(flow, bytes)
      return
    }
    this.#isHeld = false
    for (const direction of ['to_server', 'to_client'] as const) {
      const held = this.#undecided[direction]
      this.#undecided[direction] = []
      for (const chunk of held) this.#read(direction, chunk)
    }
  }

  #read(flow: Flow, bytes: Buffer): void {
    switch (this.#protocol) {
      case 'http':
        this.#push(flow, bytes)
        return
      case 'dns':
        for (const message of (this.#dns[flow] ??= new DnsStream()).push(bytes))
          this.#dnsBytes(message, flow)
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
    this.#skipped[flow] += this.#undecidedBytes[flow] + bytes
    this.#dns[flow]?.gap()
    this.#undecided[flow] = []
    this.#undecidedBytes[flow] = 0
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
   * @returns false: something is left to be told at the end
   */
  rest(): boolean {
    if (this.#http?.isOver === false) return false
    this.#http = null
    return true
  }

  #decide(flow: Flow): Spoken {
    const { serverPort } = this.#connection
    const { application } = this.#ids
    if (application === 'http' || application === 'tls') return application
    const isDnsPort = this.#dnsPorts.has(serverPort)
    if (isDnsPort && looksLikeDnsStream(Buffer.concat(this.#undecided[flow]))) return 'dns'
    const isOther = application !== null && application !== 'failed'
    return isOther || this.#undecidedBytes[flow] > MAX_UNDECIDED_BYTES ? 'other' : 'undecided'
  }

  #push(flow: Flow, bytes: Buffer): void {
    this.#http ??= new PermissiveHttpParser(
      new HttpRelay(this.#ids, this.#questions, this.#events, this.#holdsPackets),
      this.#now,
      this.#skipped,
    )
    if (flow === 'to_server') this.#http.pushClient(bytes)
    else this.#http.pushServer(bytes)
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
