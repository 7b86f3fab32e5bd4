import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import net from 'node:net'
import { join } from 'node:path'

/**
 * Cost of the data path: CPU time of the proxy process per request on kept-alive connections, and per
 * connection with one request each. CPU time, because it holds on a machine that does other things as
 * well; all cases take turns in one run, so their ratios are comparable. One JSON line per case.
 *
 *     node test/bench/proxy.bench.ts [requests per round] [rounds]
 */
const requestsPerRound = Number(process.argv[2] ?? 20_000)
const rounds = Number(process.argv[3] ?? 3)
const CLIENTS = 32

const REQUEST = Buffer.from(
  'GET /shop/catalog?page=2&sort=price HTTP/1.1\r\nHost: www.example.test\r\n' +
    'User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0\r\n' +
    'Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8\r\n' +
    'Accept-Language: en-GB,en;q=0.5\r\nAccept-Encoding: gzip, deflate, br\r\n' +
    'Cookie: session=0123456789abcdef0123456789abcdef; theme=dark\r\n\r\n',
)
const BODY = 'x'.repeat(1000)
const RESPONSE = Buffer.from(
  `HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: ${BODY.length}\r\n\r\n${BODY}`,
)

const CRS = '/usr/share/modsecurity-crs/rules'
const waf = {
  type: 'waf',
  mode: 'block',
  rules: [CRS],
  setup: '/etc/modsecurity/crs/crs-setup.conf',
  settings: { paranoia: 1 },
}
const ids = {
  type: 'ids',
  mode: 'block',
  rules: [join(import.meta.dirname, '../../signatures/baseline/baseline.rules')],
}

interface Proxy {
  readonly name: string
  readonly child: ChildProcess
  readonly port: number
  readonly keptAliveMicros: number[]
  readonly connectionMicros: number[]
  rssBytes: number
}

async function startProxy(name: string, kind: string, upstreamPort: number): Promise<Proxy> {
  const child = fork(join(import.meta.dirname, 'proxy-worker.ts'), [kind, String(upstreamPort)], {
    execArgv: ['--disable-warning=ExperimentalWarning'],
  })
  const [{ port }] = (await once(child, 'message')) as [{ port: number }]
  return { name, child, port, keptAliveMicros: [], connectionMicros: [], rssBytes: 0 }
}

async function usage(proxy: Proxy): Promise<number> {
  proxy.child.send('usage')
  const [{ cpuMicros, rssBytes }] = (await once(proxy.child, 'message')) as [
    { cpuMicros: number; rssBytes: number },
  ]
  proxy.rssBytes = rssBytes
  return cpuMicros
}

/** Sends `count` requests, one after the other, on one connection. */
function client(port: number, count: number): Promise<void> {
  return new Promise((done, reject) => {
    const socket = net.connect({ port, host: '127.0.0.1', noDelay: true })
    let left = count
    let expected = RESPONSE.length
    socket.on('error', reject)
    socket.on('data', (chunk: Buffer) => {
      if (expected === RESPONSE.length && !chunk.subarray(0, 12).equals(RESPONSE.subarray(0, 12))) {
        reject(new Error(`unexpected answer: ${chunk.subarray(0, 80).toString('latin1')}`))
        socket.destroy()
        return
      }
      expected -= chunk.length
      if (expected > 0) return
      expected = RESPONSE.length
      if (--left > 0) socket.write(REQUEST)
      else socket.end()
    })
    socket.on('close', () => done())
    socket.write(REQUEST)
  })
}

async function load(port: number, requests: number, perConnection: number): Promise<void> {
  let left = Math.ceil(requests / perConnection)
  const loop = async (): Promise<void> => {
    while (left-- > 0) await client(port, perConnection)
  }
  await Promise.all(Array.from({ length: CLIENTS }, loop))
}

const upstream = net.createServer({ noDelay: true }, (socket) => {
  let bytes = 0
  socket.on('error', () => {})
  socket.on('data', (chunk: Buffer) => {
    for (bytes += chunk.length; bytes >= REQUEST.length; bytes -= REQUEST.length) {
      socket.write(RESPONSE)
    }
  })
})
upstream.listen(0, '127.0.0.1')
await once(upstream, 'listening')
const { port: upstreamPort } = upstream.address() as net.AddressInfo

const cases: [name: string, kind: string][] = [
  ['plain splice', 'splice'],
  ['empty chain', 'empty'],
  ['parse and pass', 'pass'],
  ['ids', JSON.stringify([ids])],
]
if (existsSync(CRS)) {
  cases.push(['waf', JSON.stringify([waf])], ['waf and ids', JSON.stringify([waf, ids])])
}
const proxies = await Promise.all(cases.map(([name, kind]) => startProxy(name, kind, upstreamPort)))
try {
  for (const { port } of proxies) await load(port, requestsPerRound / 4, 200)
  for (let round = 0; round < rounds; round++) {
    for (const proxy of proxies) {
      await usage(proxy)
      await load(proxy.port, requestsPerRound, 200)
      proxy.keptAliveMicros.push((await usage(proxy)) / requestsPerRound)
      await load(proxy.port, requestsPerRound / 10, 1)
      proxy.connectionMicros.push((await usage(proxy)) / (requestsPerRound / 10))
    }
  }
  // The least disturbed round of each.
  const best = (values: readonly number[]): number => Math.min(...values)
  for (const proxy of proxies) {
    const micros = best(proxy.keptAliveMicros)
    console.log(
      JSON.stringify({
        bench: 'proxy',
        case: proxy.name,
        cpuMicrosPerRequest: Number(micros.toFixed(1)),
        requestsPerCoreSecond: Math.round(1e6 / micros),
        toSplice: Number((micros / best(proxies[0].keptAliveMicros)).toFixed(2)),
        cpuMicrosPerConnection: Number(best(proxy.connectionMicros).toFixed(1)),
        rssMB: Math.round(proxy.rssBytes / 1_048_576),
      }),
    )
  }
} finally {
  for (const { child } of proxies) child.disconnect()
  upstream.close()
}
