import type { HttpExchangeHandler } from '#inspectors/http/exchange-handler.ts'
import { HttpExchangeParser } from '#inspectors/http/exchange-parser.ts'

/**
 * Cost of the HTTP/1 parser: exchanges per second of processor time, request and response read and paired,
 * one connection. Prints one JSON line per case. Every case checks that all its events came.
 *
 *     node test/bench/http-parser.bench.ts [seconds per case]
 */

const SMALL_GET = 'GET /index.html HTTP/1.1\r\nHost: www.example.test\r\nAccept: */*\r\n\r\n'
const BROWSER_GET =
  'GET /shop/catalog?page=2&sort=price HTTP/1.1\r\nHost: www.example.test\r\n' +
  'User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0\r\n' +
  'Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8\r\n' +
  'Accept-Language: en-GB,en;q=0.5\r\nAccept-Encoding: gzip, deflate, br, zstd\r\n' +
  'Referer: https://www.example.test/shop\r\nConnection: keep-alive\r\n' +
  'Cookie: session=0123456789abcdef0123456789abcdef; theme=dark\r\nUpgrade-Insecure-Requests: 1\r\n\r\n'
const FORM_POST =
  'POST /login HTTP/1.1\r\nHost: www.example.test\r\nContent-Type: application/x-www-form-urlencoded\r\n' +
  `Content-Length: 1024\r\n\r\n${'a=b&'.repeat(256)}`
const CHUNKED_POST =
  'POST /upload HTTP/1.1\r\nHost: www.example.test\r\nTransfer-Encoding: chunked\r\n\r\n' +
  `${'400\r\n'.concat('x'.repeat(1024), '\r\n').repeat(16)}0\r\n\r\n`
const RESPONSE =
  'HTTP/1.1 200 OK\r\nDate: Sun, 22 Nov 2026 12:00:00 GMT\r\nContent-Type: text/html\r\nContent-Length: 13\r\n\r\nHello, world!'

interface Case {
  readonly name: string
  readonly request: string
  /** Size of the pieces the request comes in. */
  readonly pieceBytes: number
  readonly withResponse: boolean
}

const CASES: readonly Case[] = [
  { name: 'small GET head alone', request: SMALL_GET, pieceBytes: 65_536, withResponse: false },
  { name: 'small GET and response', request: SMALL_GET, pieceBytes: 65_536, withResponse: true },
  {
    name: 'browser GET and response',
    request: BROWSER_GET,
    pieceBytes: 65_536,
    withResponse: true,
  },
  { name: 'browser GET byte by byte', request: BROWSER_GET, pieceBytes: 1, withResponse: true },
  { name: '1 kB form POST', request: FORM_POST, pieceBytes: 65_536, withResponse: true },
  { name: '16 kB chunked POST', request: CHUNKED_POST, pieceBytes: 65_536, withResponse: true },
]

const seconds = Number(process.argv[2] ?? 1)
for (const each of CASES) {
  run(each, 0.3)
  const { exchanges, cpuMs } = run(each, seconds)
  const perSecond = Math.round((exchanges / cpuMs) * 1000)
  const bytes = each.request.length + (each.withResponse ? RESPONSE.length : 0)
  console.log(
    JSON.stringify({
      bench: 'http-parser',
      case: each.name,
      exchangesPerCpuSecond: perSecond,
      nanosecondsEach: Math.round((cpuMs * 1e6) / exchanges),
      megabytesPerCpuSecond: Math.round((perSecond * bytes) / 1e6),
    }),
  )
}

function run(each: Case, forSeconds: number): { exchanges: number; cpuMs: number } {
  let heads = 0
  let ends = 0
  const handler: HttpExchangeHandler = {
    requestHead: () => void heads++,
    requestBody: () => {},
    requestEnd: () => void (each.withResponse || ends++),
    responseHead: () => {},
    responseBody: () => {},
    responseEnd: () => void ends++,
    interimResponse: () => {},
    tunnel: () => {},
    error: (error) => {
      throw new Error(`${each.name}: ${error.message}`)
    },
  }
  const options = {
    nextId: () => 'bench',
    now: Date.now,
    limits: { pipelinedRequests: each.withResponse ? 64 : 1e9 },
  }
  let parser = new HttpExchangeParser(handler, options)
  const pieces: Buffer[] = []
  for (let at = 0; at < each.request.length; at += each.pieceBytes) {
    pieces.push(Buffer.from(each.request.slice(at, at + each.pieceBytes), 'latin1'))
  }
  const response = Buffer.from(RESPONSE, 'latin1')
  const began = performance.now()
  const cpuBefore = process.cpuUsage()
  let exchanges = 0
  while (performance.now() - began < forSeconds * 1000) {
    // Without responses the pairing queue would grow: a new connection every few requests instead.
    if (!each.withResponse) parser = new HttpExchangeParser(handler, options)
    for (let i = 0; i < 64; i++) {
      for (const piece of pieces) parser.pushClient(piece)
      if (each.withResponse) parser.pushServer(response)
    }
    exchanges += 64
  }
  const cpu = process.cpuUsage(cpuBefore)
  const cpuMs = (cpu.user + cpu.system) / 1000
  if (heads !== exchanges || ends !== exchanges) {
    throw new Error(`${each.name}: ${heads} heads and ${ends} ends of ${exchanges} exchanges`)
  }
  return { exchanges, cpuMs }
}
