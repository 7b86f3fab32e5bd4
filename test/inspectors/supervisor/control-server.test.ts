import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import net from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type {
  ControlEvent,
  ControlRequest,
  ControlResponse,
  DomainConfig,
} from '#chain/model/domain.ts'
import { httpEcho, startUpstream, until } from '../proxy/harness.ts'
import { fetchOnce } from './supervised.ts'

/** The real process as an agent starts it, with the engines it really has. */
async function startSupervisor(): Promise<
  AsyncDisposable & {
    readonly path: string
    readonly folder: string
    readonly exit: Promise<number>
  }
> {
  const folder = mkdtempSync(join(tmpdir(), 'portcullis-control-'))
  const path = join(folder, 'control.sock')
  const main = join(import.meta.dirname, '../../../inspectors/main.ts')
  const child = spawn(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', main, 'supervisor', '--control', path],
    { stdio: ['ignore', 'inherit', 'inherit'] },
  )
  const exit = once(child, 'exit').then(([code]) => Number(code))
  await until('the control socket', () => readdirSync(folder).includes('control.sock'))
  return {
    path,
    folder,
    exit,
    [Symbol.asyncDispose]: async () => {
      child.kill('SIGTERM')
      await exit
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

type Request = ControlRequest extends infer R ? (R extends unknown ? Omit<R, 'id'> : never) : never

class Client {
  readonly events: ControlEvent[] = []
  readonly socket: net.Socket
  readonly #answers = new Map<number, (response: ControlResponse) => void>()
  #id = 0

  constructor(path: string) {
    this.socket = net.connect(path)
    let text = ''
    this.socket.on('data', (chunk: Buffer) => {
      text += chunk.toString()
      const lines = text.split('\n')
      text = lines.pop() ?? ''
      for (const line of lines) {
        const message = JSON.parse(line) as ControlResponse | ControlEvent
        if ('event' in message) this.events.push(message)
        else this.#answers.get(message.id)?.(message)
      }
    })
  }

  ask(request: Request): Promise<ControlResponse> {
    const id = ++this.#id
    this.socket.write(`${JSON.stringify({ ...request, id })}\n`)
    return new Promise((resolve) => this.#answers.set(id, resolve))
  }

  raw(line: string): Promise<ControlResponse> {
    this.socket.write(`${line}\n`)
    return new Promise((resolve) => this.#answers.set(0, resolve))
  }
}

function freeConfig(
  folder: string,
  port: number,
  upstreamPort: number,
  generation: number,
): DomainConfig {
  return {
    domain: 'net-1',
    host: 'h',
    generation,
    listener: { kind: 'proxy', host: '127.0.0.1', port, upstreamHost: '127.0.0.1', upstreamPort },
    workers: 1,
    spoolFolder: join(folder, 'spool'),
    ports: [],
    attachments: [],
    chains: [
      {
        tenant: 't',
        chain: { name: 'c', inspectors: [], onFailure: 'open' },
        rulePaths: {},
        ruleVersions: {},
      },
    ],
  }
}

async function freePort(): Promise<number> {
  const server = net.createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as net.AddressInfo
  server.close()
  return port
}

test('an agent applies, watches, leaves and comes back; SIGTERM ends it cleanly', async () => {
  await using upstream = await startUpstream(httpEcho)
  await using process_ = await startSupervisor()
  assert.equal(statSync(process_.path).mode & 0o777, 0o600)
  const port = await freePort()
  const agent = new Client(process_.path)
  const before = await agent.ask({ method: 'status' })
  assert.ok(before.ok && 'status' in before)
  assert.deepEqual([before.status.generation, before.status.listening], [0, 0])

  const config = freeConfig(process_.folder, port, upstream.port, 1)
  const applied = await agent.ask({ method: 'apply', config })
  assert.ok(applied.ok && 'status' in applied)
  assert.deepEqual(
    [applied.status.domain, applied.status.generation, applied.status.listening],
    ['net-1', 1, 1],
  )
  await until('an event', () => agent.events.some(({ status }) => status.listening === 1))
  assert.equal((await fetchOnce(port)).status, 200)

  agent.socket.destroy()
  assert.equal((await fetchOnce(port)).status, 200)
  const again = new Client(process_.path)
  const same = await again.ask({ method: 'apply', config })
  assert.ok(same.ok && 'status' in same)
  assert.equal(same.status.restarts, 0)
  const metrics = await again.ask({ method: 'metrics' })
  assert.ok(metrics.ok && 'metrics' in metrics)
  assert.match(metrics.metrics, /portcullis_workers_listening 1\n/)

  const other = await again.ask({ method: 'apply', config: { ...config, workers: 2 } })
  assert.deepEqual(
    [other.ok, 'error' in other && other.error],
    [false, 'generation 1 is in force with another content'],
  )
})

test('what is no request or no configuration is answered and changes nothing', async () => {
  await using process_ = await startSupervisor()
  const agent = new Client(process_.path)
  const garbage = await agent.raw('{')
  assert.equal(garbage.ok, false)
  const config = { ...freeConfig(process_.folder, 1, 1, 1), workers: 0 }
  const refused = await agent.ask({ method: 'apply', config })
  assert.match('error' in refused ? refused.error : '', /^configuration \/workers: /)
  const unknown = await agent.ask({ method: 'dance' } as unknown as Request)
  assert.match('error' in unknown ? unknown.error : '', /no such method: dance/)
  const status = await agent.ask({ method: 'status' })
  assert.ok(status.ok)
})

test('stop drains, answers and ends the process', async () => {
  await using upstream = await startUpstream(httpEcho)
  await using process_ = await startSupervisor()
  const agent = new Client(process_.path)
  const port = await freePort()
  await agent.ask({ method: 'apply', config: freeConfig(process_.folder, port, upstream.port, 1) })
  const stopped = await agent.ask({ method: 'stop', drainMs: 100 })
  assert.ok(stopped.ok && 'status' in stopped)
  assert.equal(stopped.status.listening, 0)
  assert.equal(await process_.exit, 0)
})
