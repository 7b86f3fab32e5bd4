import type { DesiredSteering } from '#steering/flows/desired.ts'

/** Packets and bytes that went to the inspector for one attachment, since the flows were added. */
export interface AttachmentCounters {
  readonly packets: number
  readonly bytes: number
}

/** Flows of ours that were missing or changed, or that nobody asked for, and were put right. */
export interface Drift {
  readonly missing: number
  readonly unexpected: number
}

/** An attachment that cannot be enforced as given; the others are. */
export interface Refusal {
  readonly attachment: string
  readonly reason: string
}

export interface Realized {
  readonly generation: number
  readonly flows: number
  readonly added: number
  readonly removed: number
  readonly refused: readonly Refusal[]
}

export interface ConnectionTuple {
  readonly family: 4 | 6
  readonly sourceAddress: string
  readonly sourcePort: number
  readonly destinationAddress: string
  readonly destinationPort: number
}

/** What becomes of a change of `setListening`. Both reject with a SwitchError. */
export interface Switchover {
  /** The switch has the flows: it judges new connections by them. */
  readonly applied: Promise<void>
  /** Its datapath has given up what it had cached of the flows before. */
  readonly settled: Promise<void>
}

/**
 * The switch as the agent sees it. Implemented by `SwitchController` (switch-controller.ts), whose
 * constructor takes SwitchControllerOptions.
 */
export interface Steering {
  /** Loads persisted ids and the round, reads our flows back. Changes nothing in the switch. */
  start(): Promise<void>
  /**
   * Puts the whole desired state in force with one atomic bundle, reads it back, and resolves then.
   * Calls are serialised; of several that wait, only the last is carried out (the others resolve
   * with it). Rejects with a SwitchError when the switch does not take it: nothing has changed.
   */
  setDesired(desired: DesiredSteering): Promise<Realized>
  /**
   * Says in which domains (by key) a worker accepts connections now; at first in none. It is no part of
   * the desired state and does not wait for one that is under way: two flows for each domain say what
   * becomes of new connections, and those that change are changed at once. Domains that the switch does
   * not have yet are remembered. A failure is repaired by the reconcile that follows it.
   */
  setListening(domains: ReadonlySet<string>): Switchover
  /** Compares switch and desired state now and repairs; also done on a timer. Null: no drift. */
  reconcile(): Promise<Drift | null>
  /** By attachment key. Monotonic over agent restarts as long as the flows live. */
  counters(): Promise<ReadonlyMap<string, AttachmentCounters>>
  /**
   * Inspected connections by attachment key, from conntrack: client's tuple. A draining attachment
   * with none may be left out of the desired state. Bounded by MAX_CONNECTION_DUMP_BYTES.
   */
  connections(): Promise<ReadonlyMap<string, readonly ConnectionTuple[]>>
  /** Called after a repair. Returns the function that takes the listener away. */
  onDrift(listener: (drift: Drift) => void): () => void
  /** Stops timers; flows stay, so that an agent restart drops nothing. */
  stop(): Promise<void>
  /** Removes every flow with our owner cookie, and flushes our zones. */
  clear(): Promise<void>
}

export interface SwitchControllerOptions {
  /** OpenFlow management socket of the bridge: `<rundir>/br-int.mgmt`. */
  readonly managementSocket: string
  /** ovs-vswitchd's control socket (`<rundir>/ovs-vswitchd.<pid>.ctl`), for conntrack flush and dump. */
  readonly controlSocket: string
  /** File in which ids and the round are kept. */
  readonly stateFile: string
  /** First of our tables; default 100. */
  readonly firstTable?: number
  /** Priority of our entry flows in table 0; default 60000. */
  readonly entryPriority?: number
  /** How long `new-only` lets mid-connection packets pass and remembers them; default 10,000. */
  readonly learningMs?: number
  /** Reconcile interval; default 15,000. 0: never by itself. */
  readonly reconcileMs?: number
  /** Upper 16 bits of every cookie of ours; default 0x9c15. */
  readonly owner?: number
}
