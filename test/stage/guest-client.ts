import type { ChildProcess } from 'node:child_process'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type {
  GuestRequest,
  GuestResponse,
  HttpCall,
  HttpResult,
  LoadPlan,
  LoadReport,
  RatePlan,
  RateReport,
} from './guest-protocol.ts'

type WithoutId<T> = T extends { readonly id: number } ? Omit<T, 'id'> : never

/** A client inside a guest, driven from here. Errors of the guest's connections reject. */
export class GuestClient {
  readonly #child: ChildProcess
  readonly #pending = new Map<
    number,
    { resolve: (value: unknown) => void; reject: (error: Error) => void }
  >()
  #nextId = 1

  private constructor(child: ChildProcess) {
    this.#child = child
    createInterface({ input: child.stdout! }).on('line', (line) => {
      const message = JSON.parse(line) as GuestResponse
      const waiting = this.#pending.get(message.id)
      this.#pending.delete(message.id)
      if (message.ok) waiting?.resolve(message.value)
      else waiting?.reject(new Error(message.error))
    })
    child.on('exit', (code, signal) => {
      for (const waiting of this.#pending.values()) {
        waiting.reject(new Error(`the guest's client ended: ${signal ?? code}`))
      }
      this.#pending.clear()
    })
  }

  /** @param spawn starts an argument array inside the guest, with piped standard input and output */
  static async start(spawn: (argv: readonly string[]) => ChildProcess): Promise<GuestClient> {
    const child = spawn([
      process.execPath,
      '--disable-warning=ExperimentalWarning',
      join(import.meta.dirname, 'guest-driver.ts'),
    ])
    const client = new GuestClient(child)
    await new Promise<unknown>((resolve, reject) => client.#pending.set(0, { resolve, reject }))
    return client
  }

  #call(message: WithoutId<GuestRequest>): Promise<unknown> {
    const id = this.#nextId++
    return new Promise((resolve, reject) => {
      this.#pending.set(id, { resolve, reject })
      this.#child.stdin!.write(`${JSON.stringify({ id, ...message })}\n`)
    })
  }

  http(call: HttpCall): Promise<HttpResult> {
    return this.#call({ method: 'http', call }) as Promise<HttpResult>
  }

  /** The same request `times` times, one after the other, each on a connection of its own. */
  repeat(call: HttpCall, times: number): Promise<{ p50Ms: number; statuses: number[] }> {
    return this.#call({ method: 'repeat', call, times }) as Promise<{
      p50Ms: number
      statuses: number[]
    }>
  }

  /** Starts requests on ever new connections; call the returned function to stop and get the report. */
  async load(plan: LoadPlan): Promise<() => Promise<LoadReport>> {
    const load = (await this.#call({ method: 'load-start', plan })) as number
    return () => this.#call({ method: 'load-stop', load }) as Promise<LoadReport>
  }

  rate(plan: RatePlan): Promise<RateReport> {
    return this.#call({ method: 'rate', plan }) as Promise<RateReport>
  }

  open(host: string, port: number): Promise<number> {
    return this.#call({ method: 'open', host, port }) as Promise<number>
  }

  exchange(connection: number, send: string, until: string, timeoutMs = 5000): Promise<string> {
    return this.#call({ method: 'exchange', connection, send, until, timeoutMs }) as Promise<string>
  }

  /** A GET on an open keep-alive connection; resolves with the whole answer, whose end is `}`. */
  getOn(connection: number, path: string, host: string): Promise<string> {
    return this.exchange(connection, `GET ${path} HTTP/1.1\r\nHost: ${host}\r\n\r\n`, '}')
  }

  async close(connection: number): Promise<void> {
    await this.#call({ method: 'close', connection })
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    const ended = new Promise((resolve) => this.#child.once('exit', resolve))
    this.#child.stdin!.end()
    await ended
  }
}
