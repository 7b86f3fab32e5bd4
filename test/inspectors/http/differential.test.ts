import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import { Duplex } from 'node:stream'
import { test } from 'node:test'
import * as fc from 'fast-check'
import type { HttpExchangeHandler } from '#inspectors/http/exchange-handler.ts'
import { HttpExchangeParser } from '#inspectors/http/exchange-parser.ts'
import { readCases } from './markdown-fixture.ts'

/**
 * What a server makes of the bytes that we let go must be what the inspectors saw. Node's server reads
 * exactly the bytes that the events cover, strictly and as laxly as it can; each request it finds has to be
 * the one we found. It may find fewer: it refuses some that we accept.
 */

interface Seen {
  readonly line: string
  readonly fields: readonly string[]
  body: string
}

const FOLDER = new URL('../../fixtures/http/', import.meta.url)
const CLIENT_CASES = readdirSync(FOLDER)
  .flatMap((file) => readCases(new URL(file, FOLDER)))
  .map(({ turns }) =>
    Buffer.concat(turns.flatMap(({ side, bytes }) => (side === 'client' && bytes ? [bytes] : []))),
  )

/** Requests as our parser tells them, and the bytes that could have gone to the server. */
function ours(bytes: Buffer): { requests: Seen[]; released: number } {
  const requests: { line: string; fields: string[]; body: string }[] = []
  let released = 0
  const handler: HttpExchangeHandler = {
    requestHead: ({ request }, endOffset) => {
      const fields = request.headers.map(({ nameLower, value }) => `${nameLower}: ${value}`)
      requests.push({ line: `${request.method} ${request.target}`, fields, body: '' })
      released = endOffset
    },
    requestBody: (_, chunk, endOffset) => {
      requests.at(-1)!.body += chunk.toString('latin1')
      released = endOffset
    },
    requestEnd: (_, endOffset) => void (released = endOffset),
    responseHead: () => {},
    responseBody: () => {},
    responseEnd: () => {},
    interimResponse: () => {},
    tunnel: () => {},
    error: () => {},
  }
  new HttpExchangeParser(handler, { nextId: () => 'id', now: () => 1 }).pushClient(bytes)
  return { requests, released }
}

/** Requests as Node's server reads them off a connection that then ends; did it refuse what came last? */
async function theirs(
  server: Server,
  bytes: Buffer,
): Promise<{ found: Seen[]; isRefused: boolean }> {
  let isRefused = false
  const onError = (): void => void (isRefused = true)
  // Expectations and switches are no requests to Node's server: nothing is told of them or after them.
  const refusals = ['clientError', 'checkExpectation', 'upgrade', 'connect'] as const
  for (const event of refusals) server.on(event, onError)
  const requests: { line: string; fields: string[]; body: string }[] = []
  const onRequest = (request: import('node:http').IncomingMessage): void => {
    const fields: string[] = []
    for (let i = 0; i < request.rawHeaders.length; i += 2) {
      fields.push(
        `${request.rawHeaders[i].toLowerCase()}: ${request.rawHeaders[i + 1].replace(/[ \t]+$/, '')}`,
      )
    }
    const seen = { line: `${request.method} ${request.url}`, fields, body: '' }
    requests.push(seen)
    request.on('data', (chunk: Buffer) => (seen.body += chunk.toString('latin1')))
  }
  server.on('request', onRequest)
  const socket = new Duplex({ read() {}, write: (_chunk, _encoding, done) => done() })
  const closed = new Promise<void>((resolve) => socket.once('close', resolve))
  socket.on('error', () => {})
  server.emit('connection', socket)
  socket.push(bytes)
  socket.push(null)
  await closed
  server.off('request', onRequest)
  for (const event of refusals) server.off(event, onError)
  return { found: requests, isRefused }
}

const fragments = fc.constantFrom(
  '\r\n',
  '\n',
  '\r',
  ' ',
  '\t',
  ':',
  ',',
  ';',
  '\0',
  '\x0b',
  '\xa0',
  '0',
  '3',
  'abc',
  '\r\n\r\n',
  'GET / HTTP/1.1\r\nHost: a\r\n\r\n',
  'POST / HTTP/1.1\r\nHost: a\r\n',
  'GET / HTTP/1.0\r\n',
  'Content-Length: 3\r\n',
  'Content-Length: 0\r\n',
  'Transfer-Encoding: chunked\r\n',
  'Transfer-Encoding: identity\r\n',
  'Connection: close\r\n',
  'X: y\r\n',
  '3\r\nabc\r\n',
  '0\r\n\r\n',
  '3;e=f\r\nabc\r\n',
  '0\r\nX: y\r\n\r\n',
)
const fields = fc.constantFrom(
  'Content-Length: 3\r\n',
  'Content-Length: 0\r\n',
  'Content-Length: 3, 3\r\n',
  'Transfer-Encoding: chunked\r\n',
  'Transfer-Encoding: CHUNKED\t \r\n',
  'Transfer-Encoding:  CHUNKED\r\n',
  'Transfer-Encoding:chunked\r\n',
  'Content-Length:\t3\r\n',
  'X: \xe9\r\n',
  'A_b.c: d\r\n',
  'Empty:\r\n',
)
const composed = fc
  .tuple(fc.array(fields, { maxLength: 2 }), fc.array(fragments, { maxLength: 8 }))
  .map(([head, body]) =>
    Buffer.from(`POST / HTTP/1.1\r\nHost: a\r\n${head.join('')}\r\n${body.join('')}`, 'latin1'),
  )
const mutated = fc
  .record({
    from: fc.constantFrom(...CLIENT_CASES),
    at: fc.nat(),
    cut: fc.nat({ max: 3 }),
    put: fragments,
  })
  .map(({ from, at, cut, put }) => {
    const where = at % (from.length + 1)
    return Buffer.concat([
      from.subarray(0, where),
      Buffer.from(put, 'latin1'),
      from.subarray(where + cut),
    ])
  })

for (const isLax of [false, true]) {
  test(`a ${isLax ? 'lax' : 'strict'} server sees the requests that were inspected`, async () => {
    const options = { insecureHTTPParser: isLax, requireHostHeader: false, keepAliveTimeout: 0 }
    const server = createServer(options, (request, response) => {
      request.resume()
      request.on('end', () => response.end())
    })
    server.on('clientError', (_error, socket) => socket.destroy())
    server.on('checkExpectation', (_request, response) => response.writeHead(417).end())
    server.on('upgrade', (_request, socket) => socket.destroy())
    server.on('connect', (_request, socket) => socket.destroy())
    let compared = 0
    await fc.assert(
      fc.asyncProperty(fc.oneof(composed, mutated), async (bytes) => {
        const { requests, released } = ours(bytes)
        if (released === 0) return
        const { found, isRefused } = await theirs(server, bytes.subarray(0, released))
        compared += found.length
        const expected = structuredClone(requests.slice(0, isRefused ? found.length : undefined))
        const [last, lastFound] = [expected.at(-1), found.at(-1)]
        if (isRefused && last !== undefined && lastFound !== undefined) {
          // Refused within the body: what it had read until then has to be a beginning of ours.
          last.body = last.body.slice(0, lastFound.body.length)
        }
        assert.deepEqual(found, expected)
      }),
      { numRuns: 1_500 },
    )
    assert.ok(compared > 300, `only ${compared} requests were compared`)
  })
}
