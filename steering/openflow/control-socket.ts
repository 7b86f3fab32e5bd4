import { readFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { JsonRpc } from '#steering/ovsdb/json-rpc.ts'

const RETRY_MS = 200
/** After so long without a connection the retries become slower. */
const SLOW_RETRY_MS = 2_000
const REQUEST_TIMEOUT_MS = 30_000

/**
 * ovs-vswitchd's control socket (ovs-appctl's), for conntrack: its commands are JSON-RPC, no process is
 * needed for each. The connection is held open as a canary: when it breaks, ovs-vswitchd is gone, and
 * when it is back, its flow tables are empty.
 */
export class ControlSocket {
  readonly #path: string
  readonly #restarted: () => void
  #rpc: JsonRpc | null = null
  #isStopped = true

  /**
   * @param path as configured; where its name carries the pid of an ovs-vswitchd that is gone, the one
   *   that `ovs-vswitchd.pid` beside it names is used
   * @param restarted called when a connection was lost and is back
   */
  constructor(path: string, restarted: () => void) {
    this.#path = path
    this.#restarted = restarted
  }

  start(): void {
    this.#isStopped = false
    void this.#untilConnected(false)
  }

  stop(): void {
    this.#isStopped = true
    this.#rpc?.close()
    this.#rpc = null
  }

  /** @returns what ovs-appctl would print. @throws RpcError */
  run(method: string, ...params: string[]): Promise<string> {
    const rpc = this.#rpc
    if (rpc !== null) return this.#request(rpc, method, params)
    return this.aside((run) => run(method, ...params))
  }

  /** Runs a task with a connection of its own, which ends with it. @throws RpcError */
  async aside<T>(
    task: (run: (method: string, ...params: string[]) => Promise<string>) => Promise<T>,
  ): Promise<T> {
    const rpc = await this.#connect(() => {})
    try {
      return await task((method, ...params) => this.#request(rpc, method, params))
    } finally {
      rpc.close()
    }
  }

  async #request(rpc: JsonRpc, method: string, params: readonly string[]): Promise<string> {
    const result = await rpc.request(method, params, REQUEST_TIMEOUT_MS)
    return typeof result === 'string' ? result : ''
  }

  async #untilConnected(wasLost: boolean): Promise<void> {
    for (let attempt = 0; !this.#isStopped; attempt++) {
      try {
        const rpc = await this.#connect(() => {
          this.#rpc = null
          if (!this.#isStopped) void this.#untilConnected(true)
        })
        if (this.#isStopped) rpc.close()
        else this.#rpc = rpc
        break
      } catch {
        wasLost = true
        await delay(attempt < 50 ? RETRY_MS : SLOW_RETRY_MS, undefined, { ref: false })
      }
    }
    if (wasLost && !this.#isStopped) this.#restarted()
  }

  async #connect(closed: () => void): Promise<JsonRpc> {
    const listener = { notified: () => {}, closed }
    const path = await this.#locate()
    return JsonRpc.connect(path, listener, { echoes: false })
  }

  async #locate(): Promise<string> {
    if (!/^ovs-vswitchd\.\d+\.ctl$/.test(basename(this.#path))) return this.#path
    const folder = dirname(this.#path)
    try {
      const pid = Number(await readFile(join(folder, 'ovs-vswitchd.pid'), 'utf8'))
      if (Number.isInteger(pid) && pid > 0) return join(folder, `ovs-vswitchd.${pid}.ctl`)
    } catch {
      // No pid file: the path as configured is all there is.
    }
    return this.#path
  }
}
