import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { join } from 'node:path'
import type { Chain } from '#chain/model/chain.ts'
import { listeningPort } from '#test/conformance/crs/inspected-server.ts'

const ROOT = join(import.meta.dirname, '../..')
const NODE = [process.execPath, '--disable-warning=ExperimentalWarning']
/** What is measured has a core of its own; load generator and origin share the other. */
export const SERVER_CORE = 0
export const CLIENT_CORE = 1
/** The peer's tool may have to install Debian packages. */
const PEER_START_TIMEOUT_MS = 300_000
const KIB = 1024
/** USER_HZ: the same on every Linux that Node runs on. */
const TICKS_PER_SECOND = 100

export const onCore = (core: number, argv: readonly string[]): string[] => [
  'taskset',
  '-c',
  String(core),
  ...argv,
]

/** First of `count` free ports in a row. */
export async function freePorts(count: number): Promise<number> {
  for (;;) {
    const first = await boundPort(0)
    if (first === null) continue
    let free = 1
    while (free < count && (await boundPort(first + free)) !== null) free += 1
    if (free === count) return first
  }
}

async function boundPort(port: number): Promise<number | null> {
  const server = createServer()
  try {
    server.listen(port, '127.0.0.1')
    await once(server, 'listening')
    return (server.address() as AddressInfo).port
  } catch {
    return null
  } finally {
    server.close()
  }
}

/** Started processes, ended last first. */
export class Servers {
  readonly #stops: (() => Promise<void>)[] = []

  async origin(): Promise<number> {
    const port = await freePorts(1)
    const origin = join(ROOT, 'test/stage/origin.ts')
    const child = spawnPinned(CLIENT_CORE, [...NODE, origin, String(port)])
    this.#stops.push(() => end(child))
    await once(child.stdout!, 'data')
    return port
  }

  async inspect(folder: string, chain: Chain, upstream: number): Promise<Inspect> {
    const metrics = await freePorts(1)
    const file = join(folder, `${chain.name}.json`)
    const eveFile = join(folder, `${chain.name}.eve`)
    writeFileSync(file, JSON.stringify(chain))
    const listen = ['--listen', '127.0.0.1:0', '--upstream', `127.0.0.1:${upstream}`]
    const outputs = ['--eve', eveFile, '--metrics', `127.0.0.1:${metrics}`]
    const child = spawnPinned(
      SERVER_CORE,
      [
        ...NODE,
        join(ROOT, 'inspectors/main.ts'),
        'inspect',
        '--workers',
        '1',
        '--chain',
        file,
      ].concat(listen, outputs),
    )
    this.#stops.push(() => end(child))
    return { port: await listeningPort(child), metrics, pid: child.pid!, eveFile }
  }

  /** @returns why there is none where it does not start */
  async peer(
    tool: string,
    crs: string,
    upstream: number,
    paranoia: number,
  ): Promise<Measured | string> {
    const port = await freePorts(2)
    const argv = onCore(SERVER_CORE, [tool, 'start', crs, port, upstream, paranoia].map(String))
    const start = spawnSync(argv[0], argv.slice(1), {
      encoding: 'utf8',
      timeout: PEER_START_TIMEOUT_MS,
    })
    const folder = start.stdout?.trim().split('\n').at(-1) ?? ''
    if (start.status !== 0) {
      return `${tool} failed: ${(start.stderr ?? '').trim().split('\n').slice(-3).join('; ')}`
    }
    this.#stops.push(async () => {
      spawnSync(tool, ['stop', folder])
      rmSync(folder, { recursive: true, force: true })
    })
    return { port, pid: Number(readFileSync(join(folder, 'nginx.pid'), 'utf8')) }
  }

  async stop(): Promise<void> {
    for (const stop of this.#stops.splice(0).reverse()) await stop()
  }
}

/** Something that serves, with one worker process as its child. */
export interface Measured {
  readonly port: number
  /** The parent of the worker. */
  readonly pid: number
}

export interface Inspect extends Measured {
  readonly metrics: number
  readonly eveFile: string
}

function spawnPinned(core: number, argv: readonly string[]): ChildProcess {
  const [program, ...rest] = onCore(core, argv)
  return spawn(program, rest, { stdio: ['ignore', 'pipe', 'pipe'] })
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const ended = once(child, 'exit')
  child.kill('SIGTERM')
  await ended
}

/** Resident memory in MiB of the largest child: the worker that carries the traffic. */
export function workerMebibytes({ pid }: Measured): number {
  const sizes = childrenOf(pid).map((child) => {
    const status = readFileSync(`/proc/${child}/status`, 'utf8')
    return Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1] ?? 0) / KIB
  })
  return Math.max(...sizes)
}

/** Processor time in ms that the children have taken so far. */
export function processorMs({ pid }: Measured): number {
  return childrenOf(pid).reduce((sum, child) => {
    // After the name, which may hold anything: state is field 3, utime 14, stime 15 (proc(5)).
    const fields = readFileSync(`/proc/${child}/stat`, 'utf8')
      .replace(/^.*\) /s, '')
      .split(' ')
    return sum + ((Number(fields[11]) + Number(fields[12])) * 1000) / TICKS_PER_SECOND
  }, 0)
}

function childrenOf(pid: number): string[] {
  return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ')
}
