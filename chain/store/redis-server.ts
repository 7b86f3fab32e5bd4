import { type ChildProcess, spawn } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, rmSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { Redis } from 'ioredis'

/** Longest path that a unix socket may have (Linux `sun_path`, with its NUL). */
const MAX_SOCKET_PATH_BYTES = 107
/** How long the server may take to load its data and answer. */
const START_DEADLINE_MS = 30_000
/** How long it may take to write everything and end before it is killed. */
const STOP_DEADLINE_MS = 10_000
const MAX_RESTART_DELAY_MS = 5000

export interface PrivateRedisOptions {
  /** Folder for the append-only file; made 0700 when it is missing. */
  readonly folder: string
  readonly socket: string
  readonly binary?: string
  /** One line for the operator: started, died, restarted. */
  readonly log: (message: string) => void
}

/**
 * A `redis-server` child on a unix socket, for an installation without a Redis of its own. Every write
 * is in the append-only file before it is acknowledged (`appendfsync always`). It runs in a process
 * group of its own, so that Ctrl-C reaches it only through `stop`, after the last write.
 */
export class PrivateRedis {
  readonly socket: string
  readonly #options: PrivateRedisOptions
  #child: ChildProcess | null = null
  #stopping = false
  #restarts = 0

  constructor(options: PrivateRedisOptions) {
    this.#options = options
    this.socket = options.socket
    const bytes = Buffer.byteLength(this.socket)
    if (bytes > MAX_SOCKET_PATH_BYTES) {
      throw new Error(
        `the socket path ${this.socket} has ${bytes} bytes and a unix socket may have ` +
          `${MAX_SOCKET_PATH_BYTES}: choose a shorter --data folder`,
      )
    }
  }

  get pid(): number | null {
    return this.#child?.pid ?? null
  }

  get restarts(): number {
    return this.#restarts
  }

  /** Starts the server; one that a crashed manager left on the socket is first shut down. */
  async start(): Promise<void> {
    mkdirSync(this.#options.folder, { recursive: true, mode: 0o700 })
    chmodSync(this.#options.folder, 0o700)
    await this.#clearSocket()
    this.#spawn()
    await this.#untilAnswers()
  }

  /** Ends the server after it has written everything. Safe to call twice. */
  async stop(): Promise<void> {
    this.#stopping = true
    const child = this.#child
    if (child === null || child.exitCode !== null || child.signalCode !== null) return
    const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()))
    child.kill('SIGTERM')
    const timer = setTimeout(() => child.kill('SIGKILL'), STOP_DEADLINE_MS)
    await ended
    clearTimeout(timer)
    rmSync(this.socket, { force: true })
  }

  async #clearSocket(): Promise<void> {
    if (!existsSync(this.socket)) return
    const redis = await this.#ping()
    if (redis !== null) {
      this.#options.log('a redis-server of an earlier run is still there: shutting it down')
      await redis.call('SHUTDOWN', 'NOSAVE').catch(() => {})
      redis.disconnect()
      const deadline = Date.now() + STOP_DEADLINE_MS
      while (existsSync(this.socket) && Date.now() < deadline) await delay(20)
    }
    rmSync(this.socket, { force: true })
  }

  #spawn(): void {
    const { folder, binary = 'redis-server' } = this.#options
    const settings: Record<string, string> = {
      port: '0',
      unixsocket: this.socket,
      unixsocketperm: '700',
      dir: folder,
      daemonize: 'no',
      save: '',
      appendonly: 'yes',
      appendfsync: 'always',
      'maxmemory-policy': 'noeviction',
      loglevel: 'warning',
      'proto-max-bulk-len': '128mb',
    }
    const args = Object.entries(settings).flatMap(([key, value]) => [`--${key}`, value])
    const child = spawn(binary, args, { detached: true, stdio: ['ignore', 'ignore', 'pipe'] })
    this.#child = child
    child.stderr?.on('data', (chunk: Buffer) => {
      this.#options.log(`redis-server: ${chunk.toString('latin1').trim()}`)
    })
    child.once('error', (error: NodeJS.ErrnoException) => {
      this.#options.log(
        error.code === 'ENOENT'
          ? `${binary} was not found: install redis-server, or set REDIS_URL to a Redis of yours`
          : `${binary} did not start: ${error.message}`,
      )
    })
    child.once('exit', (code, signal) => this.#ended(code, signal))
  }

  #ended(code: number | null, signal: string | null): void {
    if (this.#stopping) return
    const wait = Math.min(100 * 2 ** Math.min(this.#restarts, 10), MAX_RESTART_DELAY_MS)
    this.#restarts++
    this.#options.log(`redis-server ended (${signal ?? `code ${code}`}): restarting in ${wait} ms`)
    setTimeout(() => {
      if (!this.#stopping) this.#spawn()
    }, wait)
  }

  async #untilAnswers(): Promise<void> {
    const deadline = Date.now() + START_DEADLINE_MS
    while (Date.now() < deadline) {
      const redis = await this.#ping()
      if (redis !== null) {
        redis.disconnect()
        return
      }
      if (this.#child?.pid === undefined) break
      await delay(20)
    }
    await this.stop()
    throw new Error(`redis-server did not answer on ${this.socket}; its messages are above`)
  }

  async #ping(): Promise<Redis | null> {
    if (!existsSync(this.socket)) return null
    const redis = new Redis({
      path: this.socket,
      lazyConnect: true,
      retryStrategy: () => null,
      maxRetriesPerRequest: 0,
      connectTimeout: 1000,
    })
    redis.on('error', () => {})
    try {
      await redis.connect()
      await redis.ping()
      return redis
    } catch {
      redis.disconnect()
      return null
    }
  }
}
