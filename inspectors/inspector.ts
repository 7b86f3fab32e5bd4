import type { InspectorMode, InspectorType } from '#chain/model/chain.ts'
import type { HttpHeader, HttpTransaction } from './http/transaction.ts'
import type { Packet } from './ids/capture/packet.ts'

/**
 * The one interface between the chain and an inspector, built-in or future. Protocols are parsed once,
 * in front of the chain; every inspector sees the same events. An inspector answers with a value and
 * never with an exception: a throw, a blown time budget or an overrun buffer is mapped in one place
 * (`chain/fold.ts`) to the hop's `onFailure`.
 *
 * Order of events in a connection: `open`, then `bytes` for each chunk of either direction as it came
 * from the socket; where the connection speaks HTTP/1 also, per transaction: `requestHead`,
 * `requestBody`*, `requestEnd`, `responseHead`, `responseBody`*, `responseEnd`, `transactionEnd`; and
 * last `close`. A transaction that a peer cuts off still gets its `transactionEnd`.
 *
 * A flow of datagrams has other events: `open`, `datagram` for each, `close` when it was quiet for its time.
 */

/** Which way bytes travel: the client is the one who sent the SYN. */
export type Flow = 'to_server' | 'to_client'

/** What is known of a connection when it is accepted. Addresses are textual, v4-mapped ones as IPv4. */
export interface Connection {
  /** Unique in this worker's life (hyperid). */
  readonly id: string
  /** 51-bit EVE `flow_id`. */
  readonly flowId: number
  /** Absent: TCP, or `otherProtocol`. */
  readonly protocol?: 'udp'
  /** Of mirrored traffic that is neither TCP nor UDP: EVE's name of what it is. */
  readonly otherProtocol?: string
  readonly clientAddress: string
  readonly clientPort: number
  readonly serverAddress: string
  readonly serverPort: number
  /** Milliseconds since the epoch. */
  readonly openedAt: number
}

/** What an inspector decides about the event it was shown. */
export type Verdict =
  | { readonly kind: 'pass' }
  | { readonly kind: 'alert'; readonly alerts: readonly Alert[] }
  /** Answer the client with this status (and Location when redirecting), do not forward. */
  | {
      readonly kind: 'block'
      readonly status: number
      readonly location?: string
      readonly alerts: readonly Alert[]
    }
  /** Reset both sides. Of a datagram: it goes no further, nor does, without `scope`, the rest of its flow. */
  | { readonly kind: 'drop'; readonly alerts: readonly Alert[]; readonly scope?: 'datagram' }
  /** This inspector has nothing more to see in the whole flow. */
  | { readonly kind: 'bypass'; readonly reason: BypassReason; readonly alerts: readonly Alert[] }

export type BypassReason = 'pass-rule' | 'depth-reached' | 'encrypted' | 'not-inspectable'

export const PASS: Verdict = { kind: 'pass' }

/** A file of a transaction, as far as it had come. */
export interface AlertFile {
  /** Latin1. */
  readonly name: string | null
  readonly bytes: number
  readonly state: 'open' | 'closed' | 'truncated'
  /** Hex; of whole files alone, where rules ask for the sum. */
  readonly md5?: string
  readonly sha1?: string
  readonly sha256?: string
}

/** Matched bytes that explain an alert. */
export interface AlertMatch {
  /** Variable or buffer by its rule-language name: `ARGS:id`, `http.uri`. */
  readonly variable: string
  /** Matched bytes, latin1, cut to MAX_MATCH_BYTES. */
  readonly valueLatin1: string
  /** Offset of the match in the (transformed) value; -1 when it has none. */
  readonly offset: number
  readonly transformations: readonly string[]
}

/** Longest matched value that an alert carries, in bytes. */
export const MAX_MATCH_BYTES = 256

/** What may be quoted of a request and its answer where rules withhold values of them. Latin1. */
export interface QuotedHttp {
  readonly target: string
  readonly requestHeaders: readonly HttpHeader[]
  readonly responseHeaders: readonly HttpHeader[]
}

/** One rule that fired. EVE's `alert` object is made from it. */
export interface Alert {
  readonly gid: number
  readonly signatureId: number
  readonly rev: number
  readonly message: string
  /** Text of the classtype (IDS) or first `attack-*` tag (WAF). */
  readonly category: string
  /** 1 (most urgent) to 4. */
  readonly severity: number
  /** EVE `alert.metadata`: every value is a list. */
  readonly metadata: Readonly<Record<string, readonly string[]>>
  readonly references: readonly string[]
  readonly matches: readonly AlertMatch[]
  /** What the message is that it was found in, where that is not HTTP: EVE's object and its name. */
  readonly application?: {
    readonly name: 'dns'
    readonly fields: Readonly<Record<string, unknown>>
  }
  /** Entries of data sets that the rule matched with, by the names that the rule gives them. */
  readonly context?: Readonly<Record<string, unknown>>
  /** Files that the rule matched with. */
  readonly files?: readonly AlertFile[]
  /** IDS: the side that the rule says is attacked, of the data that matched. */
  readonly target?: 'src_ip' | 'dest_ip'
  /** WAF: anomaly score after this rule. */
  readonly score?: number
  /** WAF: phase 1..5. */
  readonly phase?: number
  /** WAF: expanded `logdata`. */
  readonly logdata?: string
  /** Rule's tags (WAF). */
  readonly tags?: readonly string[]
  /** `path:line` of the rule. */
  readonly source: string
  /** True for the rule that caused the block or drop (in mode detect: would have). */
  readonly decisive: boolean
  /** In place of what was sent; undefined: all of that may be quoted. */
  readonly quoted?: QuotedHttp
  /** WAF: a rule that says `log` and tells of no attack. Only the error log gets it. */
  readonly isLogOnly?: true
}

/** One hop of a chain as loaded by a worker: compiled once, shared by all its connections. */
export interface Inspector {
  readonly type: InspectorType
  readonly mode: InspectorMode
  readonly ruleCount: number
  open(connection: Connection): ConnectionInspector
}

/** Memory of a raw chunk, in bytes, from which on it is taken back after the call (`proxy/give-back.ts`). */
export const BORROWED_CHUNK_BYTES = 8_192

/**
 * One inspector's view of one connection. Every method returns synchronously. Body chunks are valid
 * during the call only: who needs them longer copies.
 */
export interface ConnectionInspector {
  /**
   * Raw chunk of either direction, before any protocol event that it completes. Nobody writes into it. It may be
   * kept if its memory (`chunk.buffer.byteLength`) is below BORROWED_CHUNK_BYTES, else it is copied.
   */
  bytes(flow: Flow, chunk: Buffer): Verdict
  requestHead(transaction: HttpTransaction): Verdict
  /**
   * Asked after `requestHead`, and again after each chunk while it holds: true keeps head and body back
   * until `requestEnd` was answered. False lets each chunk go once every inspector has answered for it.
   */
  holdsRequestBody(transaction: HttpTransaction): boolean
  /** De-chunked body bytes, content coding not removed. */
  requestBody(transaction: HttpTransaction, chunk: Buffer): Verdict
  requestEnd(transaction: HttpTransaction): Verdict
  responseHead(transaction: HttpTransaction): Verdict
  /** The same for the response. */
  holdsResponseBody(transaction: HttpTransaction): boolean
  responseBody(transaction: HttpTransaction, chunk: Buffer): Verdict
  responseEnd(transaction: HttpTransaction): Verdict
  /** After the response, or when the connection ends first: logging phase. */
  transactionEnd(transaction: HttpTransaction): Verdict
  /**
   * One UDP datagram, put together from its fragments, of either direction. Inspectors without it cannot be in
   * a chain that datagrams are led through; who asks one all the same fails (`chain/model/datagram-rules.ts`).
   */
  datagram?(flow: Flow, packet: Packet): Verdict
  close(): Verdict
}
