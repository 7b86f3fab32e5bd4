import { type Server, createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface HttpAnswers {
  readonly metrics: () => Promise<string>
  readonly isReady: () => boolean
}

const HEADERS_TIMEOUT_MS = 5000
const MAX_CONNECTIONS = 32

/**
 * `GET /metrics`, `/healthz` (the process lives), `/readyz` (the first snapshot is in force). No other
 * path, no method but GET and HEAD, no body read.
 *
 * @returns the server and the port it listens on
 */
export async function serveHttp(
  host: string,
  port: number,
  answers: HttpAnswers,
): Promise<{ readonly server: Server; readonly port: number }> {
  const server = createServer((request, response) => {
    const reply = (status: number, body: string, type = 'text/plain; charset=utf-8'): void => {
      response.writeHead(status, { 'content-type': type, connection: 'close' })
      response.end(request.method === 'HEAD' ? undefined : body)
    }
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      reply(405, 'GET only\n')
      return
    }
    const [path] = (request.url ?? '/').split('?')
    if (path === '/healthz') reply(200, 'ok\n')
    else if (path === '/readyz')
      reply(answers.isReady() ? 200 : 503, answers.isReady() ? 'ready\n' : 'not ready\n')
    else if (path === '/metrics')
      answers.metrics().then(
        (text) => reply(200, text, 'text/plain; version=0.0.4; charset=utf-8'),
        (error: Error) => reply(500, `${error.message}\n`),
      )
    else reply(404, 'no such page: /metrics, /healthz, /readyz\n')
  })
  server.headersTimeout = HEADERS_TIMEOUT_MS
  server.requestTimeout = HEADERS_TIMEOUT_MS
  server.maxConnections = MAX_CONNECTIONS
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, resolve)
  })
  return { server, port: (server.address() as AddressInfo).port }
}
