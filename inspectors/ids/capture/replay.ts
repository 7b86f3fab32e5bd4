import type {
  Alert,
  Connection,
  ConnectionInspector,
  Flow,
  Inspector,
  Verdict,
} from '#inspectors/inspector.ts'
import { type TcpSegment, decodeTcp } from './decode.ts'
import { HalfStream } from './half-stream.ts'
import { PermissiveHttpParser } from './http/permissive-parser.ts'
import type { CapturedPacket } from './pcap-file.ts'

/** Connections that are followed at a time; the oldest is closed for a new one. */
export const MAX_CONNECTIONS = 65_536

export interface ReplayedAlert {
  readonly alert: Alert
  readonly connection: Connection
  readonly flow: Flow
  /** Number of the packet, from 1, whose bytes led to the alert. */
  readonly packet: number
}

export interface ReplayOptions {
  /** A connection whose SYN is not in the capture is followed from its first data; who sends it is the client. */
  readonly midstream?: boolean
}

/**
 * Shows the TCP connections of a capture to an inspector, as the inline path would have: each connection
 * from its SYN on, bytes in order, HTTP/1 parsed in passing. A dropped connection ends there.
 */
export function replayCapture(
  packets: readonly CapturedPacket[],
  inspector: Inspector,
  options: ReplayOptions = {},
): ReplayedAlert[] {
  const alerts: ReplayedAlert[] = []
  const connections = new Map<string, ReplayedConnection>()
  let number = 0
  for (const { linkType, bytes, timeMs } of packets) {
    number += 1
    const segment = decodeTcp(linkType, bytes)
    if (segment === null) continue
    const there = `${segment.source} ${segment.sourcePort} ${segment.destination} ${segment.destinationPort}`
    const back = `${segment.destination} ${segment.destinationPort} ${segment.source} ${segment.sourcePort}`
    if (segment.isSyn && !segment.isAck) {
      connections.get(there)?.end()
      connections.delete(there)
      if (connections.size >= MAX_CONNECTIONS) closeOldest(connections)
      connections.set(there, new ReplayedConnection(segment, inspector, alerts, timeMs))
    }
    const isKnown = connections.has(there) || connections.has(back)
    if (!isKnown && options.midstream === true && segment.payload.length > 0)
      connections.set(there, new ReplayedConnection(segment, inspector, alerts, timeMs))
    const connection = connections.get(there) ?? connections.get(back)
    connection?.segment(segment, connections.has(there) ? 'to_server' : 'to_client', number)
  }
  for (const connection of connections.values()) connection.end()
  return alerts
}

function closeOldest(connections: Map<string, ReplayedConnection>): void {
  const oldest = connections.entries().next()
  if (oldest.done === true) return
  oldest.value[1].end()
  connections.delete(oldest.value[0])
}

class ReplayedConnection {
  readonly #connection: Connection
  readonly #inspector: ConnectionInspector
  readonly #alerts: ReplayedAlert[]
  readonly #parser: PermissiveHttpParser
  readonly #halves: Record<Flow, HalfStream | null> = { to_server: null, to_client: null }
  #over = false
  #flow: Flow = 'to_server'
  #packet = 0

  constructor(syn: TcpSegment, inspector: Inspector, alerts: ReplayedAlert[], timeMs: number) {
    this.#connection = {
      id: `${syn.source} ${syn.sourcePort} ${syn.destination} ${syn.destinationPort} ${timeMs}`,
      flowId: 0,
      clientAddress: syn.source,
      clientPort: syn.sourcePort,
      serverAddress: syn.destination,
      serverPort: syn.destinationPort,
      openedAt: timeMs,
    }
    this.#inspector = inspector.open(this.#connection)
    this.#alerts = alerts
    this.#parser = this.#httpParser(timeMs)
  }

  segment(segment: TcpSegment, flow: Flow, packet: number): void {
    this.#packet = packet
    const first = (segment.sequence + (segment.isSyn ? 1 : 0)) >>> 0
    // Of a connection that is followed from its middle, the first data seen begins the direction.
    if (segment.isSyn || segment.payload.length > 0) this.#halves[flow] ??= new HalfStream(first)
    const half = this.#halves[flow]
    if (half !== null)
      for (const bytes of half.push(first, segment.payload)) this.#deliver(flow, bytes)
    if (segment.isReset) this.end()
  }

  end(): void {
    if (this.#over) return
    this.#parser.endClient()
    this.#parser.endServer()
    this.#take(this.#flow, () => this.#inspector.close())
    this.#over = true
  }

  #deliver(flow: Flow, bytes: Buffer): void {
    this.#flow = flow
    this.#take(flow, () => this.#inspector.bytes(flow, bytes))
    if (this.#over) return
    if (flow === 'to_server') this.#parser.pushClient(bytes)
    else this.#parser.pushServer(bytes)
  }

  #take(flow: Flow, ask: () => Verdict): void {
    if (this.#over) return
    const verdict = ask()
    if (verdict.kind === 'pass') return
    for (const alert of verdict.alerts)
      this.#alerts.push({ alert, connection: this.#connection, flow, packet: this.#packet })
    if (verdict.kind !== 'alert') this.#over = true
  }

  #httpParser(timeMs: number): PermissiveHttpParser {
    const inspector = this.#inspector
    return new PermissiveHttpParser(
      {
        requestHead: (transaction) =>
          this.#take('to_server', () => inspector.requestHead(transaction)),
        requestBody: (transaction, chunk) =>
          this.#take('to_server', () => inspector.requestBody(transaction, chunk)),
        requestEnd: (transaction) =>
          this.#take('to_server', () => inspector.requestEnd(transaction)),
        responseHead: (transaction) =>
          this.#take('to_client', () => inspector.responseHead(transaction)),
        responseBody: (transaction, chunk) =>
          this.#take('to_client', () => inspector.responseBody(transaction, chunk)),
        responseEnd: (transaction) => {
          this.#take('to_client', () => inspector.responseEnd(transaction))
          this.#take('to_client', () => inspector.transactionEnd(transaction))
        },
      },
      () => timeMs,
    )
  }
}
