import type { Anomaly } from './anomaly.ts'
import {
  headerValue,
  type HttpHeader,
  type HttpRequestHead,
  type HttpResponseHead,
  type HttpTransaction,
} from './transaction.ts'

/** The parser's own, writable side of a transaction. */
export class ExchangeTransaction implements HttpTransaction {
  readonly id: string
  readonly index: number
  readonly startedAt: number
  readonly request: HttpRequestHead
  response: HttpResponseHead | null = null
  requestBodyBytes = 0
  responseBodyBytes = 0
  requestStart = 0
  requestReadTo = 0
  responseStart = 0
  responseReadTo = 0
  requestTrailers: readonly HttpHeader[] = []
  responseTrailers: readonly HttpHeader[] = []
  readonly anomalies: Anomaly[]
  /** The answer may turn the connection into something else; nothing may be read ahead of it. */
  readonly maySwitch: boolean
  readonly hasUpgrade: boolean
  requestEnded = false
  responseEnded = false
  interimResponses = 0

  constructor(
    id: string,
    index: number,
    startedAt: number,
    request: HttpRequestHead,
    anomalies: Anomaly[],
  ) {
    this.id = id
    this.index = index
    this.startedAt = startedAt
    this.request = request
    this.anomalies = anomalies
    this.hasUpgrade = headerValue(request.headers, 'upgrade') !== null
    this.maySwitch = this.hasUpgrade || request.method === 'CONNECT'
  }

  /** Both sides agreed to leave HTTP/1 (RFC 9110 sections 7.8 and 9.3.6). */
  get hasSwitched(): boolean {
    if (this.response === null) return false
    const status = this.response.status
    return status === 101 || (this.request.method === 'CONNECT' && status >= 200 && status < 300)
  }
}
