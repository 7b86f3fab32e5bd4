import { once } from 'node:events'
import net from 'node:net'
import type { Hop } from '#inspectors/chain/hop.ts'
import { RateLimit } from '#inspectors/chain/rate-limit.ts'
import { newProxyCounters, type FlowServices } from '#inspectors/proxy/flow-services.ts'
import { ProxyServer, type ProxyServerOptions } from '#inspectors/proxy/proxy-server.ts'
import { bindListeningSocket } from '#inspectors/supervisor/listening-socket.ts'
import { CollectingSink } from '../chain/scripted-inspector.ts'

/** A proxy in this process, in front of a server that the test scripts. */
export interface Proxy extends AsyncDisposable {
  readonly port: number
  readonly sink: CollectingSink
  readonly services: FlowServices
  readonly server: ProxyServer
}

export async function startProxy(
  upstreamPort: number,
  hops: readonly Hop[] | 'reset',
  options: Partial<ProxyServerOptions> = {},
): Promise<Proxy> {
  const sink = new CollectingSink()
  let id = 0
  const services: FlowServices = {
    sink,
    http: { nextId: () => `tx-${id++}`, now: Date.now },
    heldBudget: { bytes: 0 },
    counters: newProxyCounters(),
    violationAlerts: new RateLimit(60_000),
    failureAlerts: new RateLimit(60_000),
  }
  const server = new ProxyServer({
    services,
    upstream: { host: '127.0.0.1', port: upstreamPort },
    route: () => hops,
    nextConnectionId: () => `connection-${id++}`,
    nextFlowId: () => id++,
    ...options,
  })
  const socket = bindListeningSocket('127.0.0.1', 0)
  await server.listen(socket.fd)
  return {
    port: socket.port,
    sink,
    services,
    server,
    [Symbol.asyncDispose]: async () => void (await server.drain(0)),
  }
}

export interface Upstream extends AsyncDisposable {
  readonly port: number
  readonly sockets: net.Socket[]
}

export async function startUpstream(
  onConnection: (socket: net.Socket) => void,
  options: net.ServerOpts = { allowHalfOpen: true },
): Promise<Upstream> {
  const sockets: net.Socket[] = []
  const server = net.createServer(options, (socket) => {
    sockets.push(socket)
    socket.on('error', () => {})
    onConnection(socket)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as net.AddressInfo).port,
    sockets,
    [Symbol.asyncDispose]: async () => {
      server.close()
      for (const socket of sockets) socket.destroy()
    },
  }
}

/** What a client saw of a connection until it was closed. */
export interface Outcome {
  readonly text: string
  /** The peer sent a FIN; a reset has none. */
  readonly ended: boolean
  readonly reset: boolean
}

export function connect(port: number): net.Socket {
  const socket = net.connect({ port, host: '127.0.0.1', allowHalfOpen: true, noDelay: true })
  socket.on('error', () => {})
  return socket
}

/** Collects until the connection is over in both directions. Call it before anything arrives. */
export async function outcomeOf(socket: net.Socket): Promise<Outcome> {
  const chunks: Buffer[] = []
  let reset = false
  socket.on('data', (chunk: Buffer) => chunks.push(chunk))
  socket.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'ECONNRESET') reset = true
  })
  let ended = false
  socket.on('end', () => {
    ended = true
    socket.end()
  })
  await new Promise((resolve) => socket.on('close', resolve))
  return { text: Buffer.concat(chunks).toString('latin1'), ended, reset }
}

/** Sends the pieces, each in a turn of its own, and collects. */
export async function exchange(port: number, ...pieces: readonly string[]): Promise<Outcome> {
  const socket = connect(port)
  const outcome = outcomeOf(socket)
  for (const piece of pieces) {
    socket.write(Buffer.from(piece, 'latin1'))
    await new Promise((resolve) => setImmediate(resolve))
  }
  return outcome
}

/** Waits for a condition; says what was awaited when it does not come. */
export async function until(
  what: string,
  condition: () => boolean,
  deadlineMs = 10_000,
): Promise<void> {
  const end = performance.now() + deadlineMs
  while (!condition()) {
    if (performance.now() > end) throw new Error(`waited ${deadlineMs} ms in vain for: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

/** A server that answers each request with its target, and keeps the connection unless told not to. */
export function httpEcho(socket: net.Socket): void {
  let text = ''
  socket.on('data', (chunk: Buffer) => {
    text += chunk.toString('latin1')
    for (;;) {
      const end = text.indexOf('\r\n\r\n')
      if (end === -1) return
      const head = text.slice(0, end)
      const length = Number(/^content-length: (\d+)/im.exec(head)?.[1] ?? 0)
      if (text.length < end + 4 + length) return
      text = text.slice(end + 4 + length)
      const body = `target ${head.split(' ')[1]}`
      const close = /^connection: close/im.test(head)
      socket.write(
        `HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n${close ? 'Connection: close\r\n' : ''}\r\n${body}`,
      )
      if (close) socket.end()
    }
  })
  socket.on('end', () => socket.end())
}
