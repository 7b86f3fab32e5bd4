import type { SwitchPort } from '#steering/ovsdb/switch-port.ts'

/** What the agent needs to know of the watch on the switch's database. */
export interface PortSource {
  /** Ports of the bridge as last heard. */
  readonly ports: readonly SwitchPort[]
  /** The database answers, and `ports` is complete. */
  readonly isConnected: boolean
  /** Called after either has changed. */
  onChange(listener: () => void): void
  start(): Promise<void>
  stop(): Promise<void>
}
