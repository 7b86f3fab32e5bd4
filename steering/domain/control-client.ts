import { connect, type Socket } from 'node:net'
import type {
  ControlEvent,
  ControlRequest,
  ControlResponse,
  DomainConfig,
  SupervisorStatus,
} from '#chain/model/domain.ts'
import { DomainError } from './errors.ts'

/** Longest line that is taken from a supervisor: its metrics are the largest thing it says. */
export const MAX_CONTROL_LINE_BYTES = 4_194_304
/** Linux: `sockaddr_un.sun_path` with its closing zero. */
export const MAX_SOCKET_PATH_BYTES = 107
const CONNECT_TIMEOUT_MS = 2000

export interface ControlListener {
  /** The supervisor reported a change unasked. */
  status(status: SupervisorStatus): void
  /** The connection ended, by whomever; called once, and not after `close()`. */
  closed(reason: string): void
}

interface Pending {
  readonly settle: (response: ControlResponse) => void
  readonly fail: (error: DomainError) => void
  readonly timer: NodeJS.Timeout
}

/**
 * The agent's end of a supervisor's control socket: NDJSON requests and answers matched by id, and
 * events in between. The other end is unprivileged and may be taken over by what it inspects: its lines
 * are bounded, and what is no answer closes the connection.
 */
export class ControlClient {
  readonly #socket: Socket
  readonly #listener: ControlListener
  readonly #pending = new Map<number, Pending>()
  #nextId = 1
  #partial: Buffer[] = []
  #partialBytes = 0
  #open = true

  private constructor(socket: Socket, listener: ControlListener) {
    this.#socket = socket
    this.#listener = listener
    socket.on('data', (chunk) => this.#take(chunk))
    socket.on('error', () => {})
    socket.on('close', () =>
      this.#end('CONTROL_CLOSED', 'the supervisor closed its control socket'),
    )
  }

  /** @throws DomainError `CONTROL_CLOSED` when nobody listens at the path, `PATH_TOO_LONG` */
  static connect(path: string, listener: ControlListener): Promise<ControlClient> {
    if (Buffer.byteLength(path) > MAX_SOCKET_PATH_BYTES)
      throw new DomainError(
        'PATH_TOO_LONG',
        `socket path over 107 bytes, choose a shorter --run: ${path}`,
      )
    return new Promise((resolve, reject) => {
      const socket = connect({ path })
      const fail = (why: string, cause?: unknown): void => {
        socket.destroy()
        reject(new DomainError('CONTROL_CLOSED', `${path}: ${why}`, { cause }))
      }
      const timer = setTimeout(() => fail('no connection in time'), CONNECT_TIMEOUT_MS)
      socket.once('error', (error) => {
        clearTimeout(timer)
        fail(error.message, error)
      })
      socket.once('connect', () => {
        clearTimeout(timer)
        socket.removeAllListeners('error')
        resolve(new ControlClient(socket, listener))
      })
    })
  }

  get isOpen(): boolean {
    return this.#open
  }

  status(timeoutMs: number): Promise<SupervisorStatus> {
    return this.#statusOf((id) => ({ id, method: 'status' }), timeoutMs)
  }

  /** @throws DomainError `CONFIG_REFUSED` with the supervisor's reason */
  apply(config: DomainConfig, timeoutMs: number): Promise<SupervisorStatus> {
    return this.#statusOf((id) => ({ id, method: 'apply', config }), timeoutMs)
  }

  /** Prometheus text of the supervisor and its workers. */
  async metrics(timeoutMs: number): Promise<string> {
    const response = await this.#request((id) => ({ id, method: 'metrics' }), timeoutMs)
    if (response.ok && 'metrics' in response) return response.metrics
    throw protocolError(response)
  }

  async stop(drainMs: number, timeoutMs: number): Promise<void> {
    await this.#request((id) => ({ id, method: 'stop', drainMs }), timeoutMs)
  }

  close(): void {
    this.#end('CONTROL_CLOSED', 'closed by the agent', false)
    this.#socket.destroy()
  }

  async #statusOf(
    request: (id: number) => ControlRequest,
    timeoutMs: number,
  ): Promise<SupervisorStatus> {
    const response = await this.#request(request, timeoutMs)
    if (response.ok && 'status' in response) return response.status
    throw protocolError(response)
  }

  #request(make: (id: number) => ControlRequest, timeoutMs: number): Promise<ControlResponse> {
    if (!this.#open)
      return Promise.reject(new DomainError('CONTROL_CLOSED', 'the control socket is closed'))
    const id = this.#nextId++
    const request = make(id)
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#pending.delete(id)
        const message = `the supervisor did not answer "${request.method}" in ${timeoutMs} ms`
        reject(new DomainError('CONTROL_TIMEOUT', message))
      }, timeoutMs)
      this.#pending.set(id, { settle: resolve, fail: reject, timer })
      this.#socket.write(`${JSON.stringify(request)}\n`)
    })
  }

  #take(chunk: Buffer): void {
    let rest = chunk
    for (;;) {
      const end = rest.indexOf(10)
      if (end === -1) break
      const line = Buffer.concat([...this.#partial, rest.subarray(0, end)]).toString('utf8')
      this.#partial = []
      this.#partialBytes = 0
      rest = rest.subarray(end + 1)
      if (!this.#open || !this.#line(line)) return
    }
    if (rest.length === 0) return
    this.#partial.push(rest)
    this.#partialBytes += rest.length
    if (this.#partialBytes > MAX_CONTROL_LINE_BYTES) this.#violation('a line over the limit')
  }

  #line(line: string): boolean {
    const message = parse(line)
    if (message === null) return this.#violation('a line that is no message')
    if ('event' in message) {
      this.#listener.status(message.status)
      return true
    }
    const pending = this.#pending.get(message.id)
    if (pending === undefined) return true // answered after its deadline
    this.#pending.delete(message.id)
    clearTimeout(pending.timer)
    pending.settle(message)
    return true
  }

  #violation(what: string): false {
    this.#end('CONTROL_PROTOCOL', `the supervisor sent ${what}`)
    this.#socket.destroy()
    return false
  }

  #end(code: 'CONTROL_CLOSED' | 'CONTROL_PROTOCOL', reason: string, tell = true): void {
    if (!this.#open) return
    this.#open = false
    for (const pending of this.#pending.values()) {
      clearTimeout(pending.timer)
      pending.fail(new DomainError(code, reason))
    }
    this.#pending.clear()
    if (tell) this.#listener.closed(reason)
  }
}

function protocolError(response: ControlResponse): DomainError {
  return response.ok
    ? new DomainError('CONTROL_PROTOCOL', 'the supervisor gave the answer to another question')
    : new DomainError('CONFIG_REFUSED', response.error)
}

function parse(line: string): ControlResponse | ControlEvent | null {
  let value: unknown
  try {
    value = JSON.parse(line)
  } catch {
    return null
  }
  if (typeof value !== 'object' || value === null) return null
  if ('event' in value)
    return 'status' in value && isStatus(value.status) ? (value as ControlEvent) : null
  if (!('id' in value && typeof value.id === 'number' && 'ok' in value)) return null
  if (value.ok === false)
    return 'error' in value && typeof value.error === 'string' ? (value as ControlResponse) : null
  if ('status' in value) return isStatus(value.status) ? (value as ControlResponse) : null
  return 'metrics' in value && typeof value.metrics === 'string' ? (value as ControlResponse) : null
}

const STATUS_COUNTS = [
  'pid',
  'generation',
  'wanted',
  'listening',
  'draining',
  'restarts',
  'connections',
] as const

function isStatus(value: unknown): value is SupervisorStatus {
  if (typeof value !== 'object' || value === null) return false
  const record = value as Record<string, unknown>
  const { refused } = record
  return (
    STATUS_COUNTS.every((name) => Number.isInteger(record[name])) &&
    (refused === null ||
      (typeof refused === 'object' &&
        Number.isInteger((refused as { generation?: unknown } | undefined)?.generation) &&
        typeof (refused as { reason?: unknown }).reason === 'string'))
  )
}
