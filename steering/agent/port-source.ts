import type { SwitchPort } from '#steering/ovsdb/switch-port.ts'
import { PortWatch } from '#steering/ovsdb/port-watch.ts'

/** What the agent needs to know of the switch's database. */
export interface PortSource {
  /** Ports of the bridge as last heard. */
  readonly ports: readonly SwitchPort[]
  /** The database answers, and it has the bridge. */
  readonly isConnected: boolean
  /**
   * `ports` may be acted on. While ovs-vswitchd restarts the database says that no port is open: that
   * must not count as guests that have gone.
   */
  readonly isTrusted: boolean
  /** Called after any of these has changed. */
  onChange(listener: () => void): void
  /** Called when the switch may have lost its flows. */
  onRestart(listener: () => void): void
  start(): void
  stop(): void
}

/** PortSource over a PortWatch. */
export class WatchedPorts implements PortSource {
  readonly #watch: PortWatch
  #ports: readonly SwitchPort[] | null = null
  #isConnected = false
  #hadPorts = false
  #changed: () => void = () => {}
  #restarted: () => void = () => {}

  /** @param path of OVSDB's unix socket */
  constructor(
    path: string,
    bridge: string,
    log: (message: string, fields: Record<string, unknown>) => void,
  ) {
    this.#watch = new PortWatch(
      { path, bridge },
      {
        changed: ({ ports }) => {
          this.#ports = ports
          if (ports !== null && ports.length > 0) this.#hadPorts = true
          this.#changed()
        },
        connected: () => {
          this.#isConnected = true
          this.#changed()
        },
        disconnected: (reason) => {
          if (this.#isConnected) log('the switch database is away', { reason })
          this.#isConnected = false
          this.#changed()
        },
        switchRestarted: () => this.#restarted(),
      },
    )
  }

  get ports(): readonly SwitchPort[] {
    return this.#ports ?? []
  }

  get isConnected(): boolean {
    return this.#isConnected && this.#ports !== null
  }

  get isTrusted(): boolean {
    return this.isConnected && (this.ports.length > 0 || !this.#hadPorts)
  }

  onChange(listener: () => void): void {
    this.#changed = listener
  }

  onRestart(listener: () => void): void {
    this.#restarted = listener
  }

  start(): void {
    this.#watch.start()
  }

  stop(): void {
    this.#watch.stop()
  }
}
