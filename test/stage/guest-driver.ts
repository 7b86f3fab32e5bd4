import { connect, type Socket } from 'node:net'
import { createInterface } from 'node:readline'
import { request } from 'node:http'
import {
  type GuestRequest,
  type GuestResponse,
  type HttpCall,
  type HttpResult,
  type LoadFailure,
  type LoadPlan,
  type LoadReport,
  quantile,
} from './guest-protocol.ts'
import { measureRate } from './request-rate.ts'

/** Runs inside a guest's namespace; see guest-protocol.ts. */

const DEFAULT_TIMEOUT_MS = 10_000
/** Longest exchange kept, in bytes: a runaway peer must not fill the machine. */
const MAX_EXCHANGE_BYTES = 16 * 1024 * 1024

const nowMs = (): number => performance.timeOrigin + performance.now()

function callHttp(call: HttpCall): Promise<HttpResult> {
  const startedAt = performance.now()
  return new Promise((resolve, reject) => {
    const client = request(
      {
        host: call.host,
        port: call.port,
        method: call.method ?? 'GET',
        path: call.path,
        agent: false,
        headers: { connection: 'close', ...call.headers },
        timeout: call.timeoutMs ?? DEFAULT_TIMEOUT_MS,
      },
      (response) => {
        const chunks: Buffer[] = []
        response.on('data', (chunk: Buffer) => chunks.push(chunk))
        response.on('error', reject)
        response.on('end', () => {
          resolve({
            status: response.statusCode ?? 0,
            headers: Object.fromEntries(
              Object.entries(response.headers).map(([name, value]) => [name, String(value)]),
            ),
            body: Buffer.concat(chunks).toString('latin1'),
            ms: performance.now() - startedAt,
          })
        })
      },
    )
    client.on('timeout', () => client.destroy(new Error('timeout')))
    client.on('error', reject)
    client.end(call.body === undefined ? undefined : Buffer.from(call.body, 'latin1'))
  })
}

interface Load {
  stopping: boolean
  readonly finished: Promise<LoadReport>
}

function startLoad(plan: LoadPlan): Load {
  const latencies: number[] = []
  const failures: LoadFailure[] = []
  const counts = { sent: 0, ok: 0 }
  const state = { stopping: false }
  const deadline = performance.now() + plan.maxMs
  const slot = async (): Promise<void> => {
    while (!state.stopping && performance.now() < deadline) {
      const openedAt = nowMs()
      counts.sent++
      try {
        const result = await callHttp(plan)
        if (result.status === plan.expect) {
          counts.ok++
          latencies.push(result.ms)
        } else {
          failures.push({ openedAt, failedAt: nowMs(), reason: `status ${result.status}` })
        }
      } catch (error) {
        const reason = error instanceof Error ? error.message : String(error)
        failures.push({ openedAt, failedAt: nowMs(), reason })
      }
      if (plan.pauseMs > 0) await new Promise((resolve) => setTimeout(resolve, plan.pauseMs))
    }
  }
  const finished = Promise.all(Array.from({ length: plan.concurrency }, slot)).then(() => ({
    ...counts,
    failures,
    p50Ms: quantile(latencies, 0.5),
    p99Ms: quantile(latencies, 0.99),
  }))
  return Object.assign(state, { finished })
}

const loads = new Map<number, Load>()
const connections = new Map<number, Socket>()

function open(id: number, host: string, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port, noDelay: true, keepAlive: false })
    socket.once('error', reject)
    socket.once('connect', () => {
      socket.off('error', reject)
      socket.on('error', () => socket.destroy())
      socket.pause()
      connections.set(id, socket)
      resolve(id)
    })
  })
}

function exchange(socket: Socket, send: string, until: string, timeoutMs: number): Promise<string> {
  return new Promise((resolve, reject) => {
    let received = ''
    const finish = (error: Error | null): void => {
      clearTimeout(timer)
      socket.off('data', onData)
      socket.off('close', onClose)
      socket.pause()
      if (error === null) resolve(received)
      else reject(error)
    }
    const onData = (chunk: Buffer): void => {
      received += chunk.toString('latin1')
      if (received.includes(until)) finish(null)
      else if (received.length > MAX_EXCHANGE_BYTES) finish(new Error('answer too long'))
    }
    const onClose = (): void =>
      finish(new Error(`connection closed after ${received.length} bytes`))
    const timer = setTimeout(
      () => finish(new Error(`no "${until}" within ${timeoutMs} ms, got ${received.length} bytes`)),
      timeoutMs,
    )
    if (socket.destroyed) return finish(new Error('connection is closed'))
    socket.on('data', onData)
    socket.on('close', onClose)
    socket.resume()
    if (send !== '') socket.write(Buffer.from(send, 'latin1'))
  })
}

async function answer(message: GuestRequest): Promise<unknown> {
  switch (message.method) {
    case 'http':
      return callHttp(message.call)
    case 'repeat': {
      const results: HttpResult[] = []
      for (let index = 0; index < message.times; index++) results.push(await callHttp(message.call))
      return {
        p50Ms: quantile(
          results.map((result) => result.ms),
          0.5,
        ),
        statuses: results.map((result) => result.status),
      }
    }
    case 'load-start':
      loads.set(message.id, startLoad(message.plan))
      return message.id
    case 'load-stop': {
      const load = loads.get(message.load)
      if (load === undefined) throw new Error(`no load ${message.load}`)
      load.stopping = true
      loads.delete(message.load)
      return load.finished
    }
    case 'rate':
      return measureRate(message.plan)
    case 'open':
      return open(message.id, message.host, message.port)
    case 'exchange': {
      const socket = connections.get(message.connection)
      if (socket === undefined) throw new Error(`no connection ${message.connection}`)
      return exchange(socket, message.send, message.until, message.timeoutMs)
    }
    case 'close':
      connections.get(message.connection)?.destroy()
      return connections.delete(message.connection)
  }
}

const write = (response: GuestResponse): void => {
  process.stdout.write(`${JSON.stringify(response)}\n`)
}

const lines = createInterface({ input: process.stdin })
lines.on('line', (line) => {
  const message = JSON.parse(line) as GuestRequest
  answer(message).then(
    (value) => write({ id: message.id, ok: true, value }),
    (error: unknown) =>
      write({
        id: message.id,
        ok: false,
        error: error instanceof Error ? error.message : String(error),
      }),
  )
})
// The stage closes standard input, or died: either way nothing is left to do here.
lines.on('close', () => process.exit(0))
write({ id: 0, ok: true, value: 'ready' })
