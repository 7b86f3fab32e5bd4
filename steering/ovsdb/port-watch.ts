import { RpcError } from './errors.ts'
import { JsonRpc } from './json-rpc.ts'
import { portsOfBridge } from './ports-of-bridge.ts'
import { type CompositeColumns, Replica, setOf } from './replica.ts'
import type { SwitchPort } from './switch-port.ts'

/** Changes that come within this time are told as one. */
export const DEBOUNCE_MS = 20
/** ... but none waits longer than this, however many follow. */
export const MAX_DEBOUNCE_MS = 200
/** Waits between attempts to connect: doubled each time, half of it random. */
export const FIRST_RETRY_MS = 100
export const MAX_RETRY_MS = 5_000

const MONITORED = {
  Open_vSwitch: ['cur_cfg', 'next_cfg'],
  Bridge: ['name', 'ports', 'datapath_type', 'datapath_id'],
  Port: ['name', 'interfaces', 'tag', 'vlan_mode'],
  Interface: ['name', 'ofport', 'external_ids', 'mac_in_use', 'link_state'],
} as const

const COMPOSITE: CompositeColumns = new Map([
  ['Bridge', new Set(['ports'])],
  ['Port', new Set(['interfaces'])],
  ['Interface', new Set(['external_ids'])],
])

const MONITOR_ID = 'portcullis'
const NO_TRANSACTION = '00000000-0000-0000-0000-000000000000'

/** What the watch knows. `ports` is null while the bridge does not exist. */
export interface SwitchState {
  readonly ports: readonly SwitchPort[] | null
  /** `netdev` for a userspace datapath, else `system` or empty. */
  readonly datapathType: string
}

export interface PortWatchListener {
  /** The full state, at first and whenever something in it changed. */
  changed(state: SwitchState): void
  connected(): void
  /** The database is away; the last state told stays the best knowledge. */
  disconnected(reason: string): void
  /**
   * ovs-vswitchd may have restarted with empty flow tables (its ports were all taken away and given
   * back, or the bridge was made anew): reconcile now rather than at the next interval.
   */
  switchRestarted(): void
}

/**
 * Watches one bridge in OVSDB. Level-triggered: each event carries the whole state. Connects, and
 * connects again, until stopped; asks for changes since the last transaction it saw where the server
 * can tell (`monitor_cond_since`), else starts anew (`monitor_cond`, `monitor`).
 */
export class PortWatch {
  readonly #path: string
  readonly #bridge: string
  readonly #listener: PortWatchListener
  readonly #replica = new Replica(COMPOSITE)
  #rpc: JsonRpc | null = null
  #isStopped = false
  #retryMs = FIRST_RETRY_MS
  #retry: NodeJS.Timeout | null = null
  #debounce: NodeJS.Timeout | null = null
  #firstChangeAt = 0
  #transaction = NO_TRANSACTION
  #told = ''
  #hadPorts = false
  #datapathId = ''

  constructor(
    options: { readonly path: string; readonly bridge: string },
    listener: PortWatchListener,
  ) {
    this.#path = options.path
    this.#bridge = options.bridge
    this.#listener = listener
  }

  start(): void {
    this.#isStopped = false
    void this.#connect()
  }

  stop(): void {
    this.#isStopped = true
    if (this.#retry !== null) clearTimeout(this.#retry)
    if (this.#debounce !== null) clearTimeout(this.#debounce)
    this.#retry = null
    this.#debounce = null
    this.#rpc?.close()
    this.#rpc = null
  }

  async #connect(): Promise<void> {
    try {
      const rpc = await JsonRpc.connect(
        this.#path,
        {
          notified: (method, params) => this.#notified(method, params),
          closed: (error) => this.#lost(error.message),
        },
        { echoes: true },
      )
      if (this.#isStopped) {
        rpc.close()
        return
      }
      this.#rpc = rpc
      await this.#monitor(rpc)
      this.#retryMs = FIRST_RETRY_MS
      this.#listener.connected()
      this.#schedule()
    } catch (error) {
      if (!(error instanceof RpcError)) throw error
      this.#rpc?.close()
      this.#lost(error.message)
    }
  }

  async #monitor(rpc: JsonRpc): Promise<void> {
    const tables = Object.fromEntries(
      Object.entries(MONITORED).map(([table, columns]) => [table, [{ columns }]]),
    )
    const database = 'Open_vSwitch'
    try {
      const params = [database, MONITOR_ID, tables, this.#transaction]
      const result = await rpc.request('monitor_cond_since', params)
      const [found, transaction, updates] = Array.isArray(result) ? result : []
      if (found !== true) this.#replica.clear()
      if (typeof transaction === 'string') this.#transaction = transaction
      this.#replica.applyUpdate2(updates)
      return
    } catch (error) {
      if (!(error instanceof RpcError && error.code === 'REFUSED')) throw error
    }
    this.#replica.clear()
    try {
      this.#replica.applyUpdate2(await rpc.request('monitor_cond', [database, MONITOR_ID, tables]))
    } catch (error) {
      if (!(error instanceof RpcError && error.code === 'REFUSED')) throw error
      const plain = Object.fromEntries(
        Object.entries(MONITORED).map(([table, columns]) => [table, { columns }]),
      )
      this.#replica.applyUpdate(await rpc.request('monitor', [database, MONITOR_ID, plain]))
    }
  }

  #notified(method: string, params: readonly unknown[]): void {
    if (params[0] !== MONITOR_ID) return
    if (method === 'update3') {
      if (typeof params[1] === 'string') this.#transaction = params[1]
      this.#replica.applyUpdate2(params[2])
    } else if (method === 'update2') this.#replica.applyUpdate2(params[1])
    else if (method === 'update') this.#replica.applyUpdate(params[1])
    else return
    this.#schedule()
  }

  #lost(reason: string): void {
    this.#rpc = null
    if (this.#isStopped) return
    this.#listener.disconnected(reason)
    const waitMs = this.#retryMs * (0.5 + Math.random() / 2)
    this.#retryMs = Math.min(this.#retryMs * 2, MAX_RETRY_MS)
    this.#retry = setTimeout(() => void this.#connect(), waitMs)
  }

  #schedule(): void {
    const now = performance.now()
    if (this.#debounce === null) this.#firstChangeAt = now
    else clearTimeout(this.#debounce)
    const latest = this.#firstChangeAt + MAX_DEBOUNCE_MS - now
    const waitMs = Math.max(0, Math.min(DEBOUNCE_MS, latest))
    this.#debounce = setTimeout(() => {
      this.#debounce = null
      this.#tell()
    }, waitMs)
  }

  #tell(): void {
    const ports = portsOfBridge(this.#replica, this.#bridge)
    const row = [...this.#replica.rows('Bridge').values()].find(
      (one) => one.get('name') === this.#bridge,
    )
    const datapathType = textOf(row?.get('datapath_type'))
    const restarted = this.#hasRestarted(ports, textOf(setOf(row?.get('datapath_id'))[0]))
    const state: SwitchState = { ports, datapathType }
    const text = JSON.stringify(state)
    if (text !== this.#told) {
      this.#told = text
      this.#listener.changed(state)
    }
    if (restarted) this.#listener.switchRestarted()
  }

  /**
   * When ovs-vswitchd stops in order it takes every ofport and the datapath id out of the database, and
   * puts them back when it starts. Killed, it changes nothing until the new one writes its own; where
   * even that looks the same, the reconcile interval finds the tables empty.
   */
  #hasRestarted(ports: readonly SwitchPort[] | null, datapathId: string): boolean {
    const hasPorts = ports !== null && ports.length > 0
    const cameBack =
      (hasPorts && !this.#hadPorts && this.#told !== '') ||
      (datapathId !== this.#datapathId && this.#datapathId !== '' && datapathId !== '')
    this.#hadPorts = hasPorts
    if (datapathId !== '') this.#datapathId = datapathId
    return cameBack
  }
}

const textOf = (value: unknown): string => (typeof value === 'string' ? value : '')
