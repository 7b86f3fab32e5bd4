import { type Socket, connect } from 'node:net'
import { RpcError } from './errors.ts'
import { JsonFrames } from './json-frames.ts'

/** Silence after which the peer is asked whether it lives, and after which it counts as gone. */
export const ECHO_AFTER_MS = 5_000
export const GONE_AFTER_MS = 15_000
const CONNECT_TIMEOUT_MS = 5_000
const DEFAULT_REQUEST_TIMEOUT_MS = 15_000
/** Requests that may wait for their answers at once. */
const MAX_PENDING = 1_000

export interface JsonRpcListener {
  /** A notification (or a request we do not know, which is answered with an error). */
  notified(method: string, params: readonly unknown[]): void
  /** The connection ended, by whomever; once, and not after `close()`. */
  closed(error: RpcError): void
}

interface Pending {
  readonly resolve: (result: unknown) => void
  readonly reject: (error: RpcError) => void
  readonly timer: NodeJS.Timeout
}

/**
 * JSON-RPC 1.0 as OVSDB (RFC 7047, 4) and Open vSwitch's control sockets speak it: requests matched by
 * id, notifications with id null, and `echo` in both directions as the sign of life.
 */
export class JsonRpc {
  readonly #socket: Socket
  readonly #listener: JsonRpcListener
  readonly #frames = new JsonFrames()
  readonly #pending = new Map<number, Pending>()
  readonly #beat: NodeJS.Timeout | null
  #nextId = 1
  #heardAt = performance.now()
  #isOpen = true

  private constructor(socket: Socket, listener: JsonRpcListener, echoes: boolean) {
    this.#socket = socket
    this.#listener = listener
    socket.on('data', (chunk) => this.#take(chunk))
    socket.on('error', (cause) => this.#end(new RpcError('CLOSED', cause.message, { cause })))
    socket.on('close', () => this.#end(new RpcError('CLOSED', 'the peer closed the connection')))
    this.#beat = echoes ? setInterval(() => this.#checkLife(), ECHO_AFTER_MS / 2) : null
    this.#beat?.unref()
  }

  /**
   * @param path of a unix socket
   * @param options `echoes: false` for peers that know no `echo` (control sockets)
   * @throws RpcError `CLOSED` when nobody listens there, `TIMEOUT`
   */
  static connect(
    path: string,
    listener: JsonRpcListener,
    options: { readonly echoes: boolean },
  ): Promise<JsonRpc> {
    return new Promise((resolve, reject) => {
      const socket = connect({ path })
      const timer = setTimeout(() => {
        socket.destroy()
        reject(new RpcError('TIMEOUT', `${path}: no connection in ${CONNECT_TIMEOUT_MS} ms`))
      }, CONNECT_TIMEOUT_MS)
      socket.once('error', (cause) => {
        clearTimeout(timer)
        reject(new RpcError('CLOSED', `${path}: ${cause.message}`, { cause }))
      })
      socket.once('connect', () => {
        clearTimeout(timer)
        socket.removeAllListeners('error')
        resolve(new JsonRpc(socket, listener, options.echoes))
      })
    })
  }

  /** @throws RpcError `REFUSED` with the peer's error, `TIMEOUT`, `CLOSED` */
  request(
    method: string,
    params: readonly unknown[],
    timeoutMs = DEFAULT_REQUEST_TIMEOUT_MS,
  ): Promise<unknown> {
    if (!this.#isOpen) return Promise.reject(new RpcError('CLOSED', 'the connection is closed'))
    if (this.#pending.size >= MAX_PENDING)
      return Promise.reject(new RpcError('REFUSED', `${MAX_PENDING} requests wait already`))
    const id = this.#nextId++
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#pending.delete(id)
        reject(new RpcError('TIMEOUT', `${method}: no answer in ${timeoutMs} ms`))
      }, timeoutMs)
      this.#pending.set(id, { resolve, reject, timer })
      this.#send({ method, params, id })
    })
  }

  close(): void {
    this.#end(new RpcError('CLOSED', 'closed by us'), false)
  }

  #send(message: object): void {
    this.#socket.write(JSON.stringify(message))
  }

  #take(chunk: Buffer): void {
    this.#heardAt = performance.now()
    try {
      for (const text of this.#frames.push(chunk)) {
        if (!this.#isOpen) return
        this.#message(parse(text))
      }
    } catch (error) {
      if (!(error instanceof RpcError)) throw error
      this.#end(error)
    }
  }

  #message(message: Record<string, unknown>): void {
    const { id, method, params, result, error } = message
    if (typeof method === 'string') {
      const list = Array.isArray(params) ? params : []
      if (method === 'echo') this.#send({ id, result: list, error: null })
      else if (id === null || id === undefined) this.#listener.notified(method, list)
      else this.#send({ id, result: null, error: 'unknown method' })
      return
    }
    const pending = typeof id === 'number' ? this.#pending.get(id) : undefined
    if (pending === undefined) return // answered after its deadline, or our own echo
    this.#pending.delete(id as number)
    clearTimeout(pending.timer)
    if (error === null || error === undefined) pending.resolve(result)
    else pending.reject(new RpcError('REFUSED', errorText(error)))
  }

  #checkLife(): void {
    const silentMs = performance.now() - this.#heardAt
    if (silentMs > GONE_AFTER_MS)
      this.#end(new RpcError('TIMEOUT', `the peer was silent for ${GONE_AFTER_MS} ms`))
    else if (silentMs > ECHO_AFTER_MS) this.#send({ method: 'echo', params: [], id: 'echo' })
  }

  #end(error: RpcError, tell = true): void {
    if (!this.#isOpen) return
    this.#isOpen = false
    if (this.#beat !== null) clearInterval(this.#beat)
    for (const pending of this.#pending.values()) {
      clearTimeout(pending.timer)
      pending.reject(error)
    }
    this.#pending.clear()
    this.#socket.destroy()
    if (tell) this.#listener.closed(error)
  }
}

function parse(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value === 'object' && value !== null && !Array.isArray(value))
      return value as Record<string, unknown>
  } catch (cause) {
    throw new RpcError('PROTOCOL', 'the peer sent malformed JSON', { cause })
  }
  throw new RpcError('PROTOCOL', 'the peer sent JSON that is no object')
}

function errorText(error: unknown): string {
  if (typeof error === 'string') return error
  if (typeof error === 'object' && error !== null && 'error' in error) {
    const details = 'details' in error ? `: ${String(error.details)}` : ''
    return `${String(error.error)}${details}`
  }
  return JSON.stringify(error)
}
