import type { HttpExchangeHandler } from '#inspectors/http/exchange-handler.ts'
import { HttpExchangeParser } from '#inspectors/http/exchange-parser.ts'
import type { Alert, Connection, Inspector, Verdict } from '#inspectors/inspector.ts'

/** What an inspector made of one exchange. */
export interface Outcome {
  /** Rules that alerted, in order. */
  readonly rules: readonly number[]
  readonly kind: Verdict['kind']
  /** Why the parser refused the bytes, before any rule. */
  readonly error: string | null
}

const CONNECTION: Connection = {
  id: 'test',
  flowId: 1,
  clientAddress: '192.0.2.1',
  clientPort: 40_000,
  serverAddress: '198.51.100.1',
  serverPort: 80,
  openedAt: 0,
}
const OK = 'HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 0\r\n\r\n'

/**
 * Shows one exchange to an inspector, as the proxy does, until its first verdict that stops it.
 *
 * @param request  latin1 bytes of the client
 * @param response latin1 bytes of the server
 */
export function inspect(inspector: Inspector, request: string, response: string = OK): Outcome {
  const eyes = inspector.open(CONNECTION)
  const alerts: Alert[] = []
  let kind: Verdict['kind'] = 'pass'
  let error: string | null = null
  const take = (verdict: Verdict): void => {
    if (verdict.kind === 'pass') return
    alerts.push(...verdict.alerts)
    if (verdict.kind === 'alert' || verdict.kind === 'bypass') return
    kind = verdict.kind
    parser.stop()
  }
  const handler: HttpExchangeHandler = {
    requestHead: (transaction) => {
      take(eyes.requestHead(transaction))
      if (kind === 'pass') eyes.holdsRequestBody(transaction)
    },
    requestBody: (transaction, chunk) => take(eyes.requestBody(transaction, chunk)),
    requestEnd: (transaction) => take(eyes.requestEnd(transaction)),
    responseHead: (transaction) => {
      take(eyes.responseHead(transaction))
      if (kind === 'pass') eyes.holdsResponseBody(transaction)
    },
    responseBody: (transaction, chunk) => take(eyes.responseBody(transaction, chunk)),
    responseEnd: (transaction) => {
      take(eyes.responseEnd(transaction))
      take(eyes.transactionEnd(transaction))
    },
    interimResponse: () => {},
    tunnel: () => {},
    error: (found) => (error = found.code),
  }
  const parser = new HttpExchangeParser(handler, { nextId: () => 'tx', now: () => 0 })
  for (const [flow, text] of [
    ['to_server', request],
    ['to_client', response],
  ] as const) {
    const bytes = Buffer.from(text, 'latin1')
    if (kind === 'pass' && error === null) take(eyes.bytes(flow, bytes))
    if (kind !== 'pass' || error !== null) break
    if (flow === 'to_server') parser.pushClient(bytes)
    else parser.pushServer(bytes)
  }
  take(eyes.close())
  return { rules: alerts.map((alert) => alert.signatureId), kind, error }
}

/** A GET for a target. `headers`: further field lines. */
export function get(target: string, ...headers: readonly string[]): string {
  const fields = ['Host: www.example.test', 'User-Agent: Mozilla/5.0', 'Accept: */*', ...headers]
  return `GET ${target} HTTP/1.1\r\n${fields.join('\r\n')}\r\n\r\n`
}

/** A GET with one query parameter, percent-encoded as a browser does. */
export function query(value: string): string {
  return get(`/search?q=${encodeURIComponent(value)}`)
}

/** A POST with a body. */
export function post(type: string, body: string): string {
  return (
    `POST /form HTTP/1.1\r\nHost: www.example.test\r\nUser-Agent: Mozilla/5.0\r\nAccept: */*\r\n` +
    `Content-Type: ${type}\r\nContent-Length: ${body.length}\r\n\r\n${body}`
  )
}

export function page(body: string): string {
  return `HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: ${body.length}\r\n\r\n${body}`
}
