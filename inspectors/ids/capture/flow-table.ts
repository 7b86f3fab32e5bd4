import { type FlowTimeouts, timeoutsFor } from './flow-timeouts.ts'
import type { ReplayFlow } from './replay-flow.ts'

/** Flows that are followed at a time; the oldest is closed for a new one. */
export const MAX_FLOWS = 65_536
/** Packets after which some flows are looked at, whether their time is over. */
const SWEEP_EVERY = 1024
const SWEEP_FLOWS = 128
/** Flows below which nothing is swept: they cost little. */
const SWEEP_FROM = 1024

/** Why a flow is over: nothing came, the capture ended, another flow took its place. */
export type FlowEnd = 'timeout' | 'shutdown' | 'forced'

/** Flows of a capture by their keys, in the order in which they began. */
export class FlowTable {
  readonly #flows = new Map<string, ReplayFlow>()
  readonly #close: (flow: ReplayFlow, reason: FlowEnd) => void
  #sweep: IterableIterator<[string, ReplayFlow]> | null = null
  readonly #timeouts: FlowTimeouts
  #packets = 0

  constructor(timeouts: FlowTimeouts, close: (flow: ReplayFlow, reason: FlowEnd) => void) {
    this.#timeouts = timeouts
    this.#close = close
  }

  get(key: string): ReplayFlow | undefined {
    return this.#flows.get(key)
  }

  add(key: string, flow: ReplayFlow): void {
    if (this.#flows.size >= MAX_FLOWS) {
      const oldest = this.#flows.entries().next()
      if (oldest.done !== true) this.remove(oldest.value[0], oldest.value[1], 'forced')
    }
    this.#flows.set(key, flow)
  }

  remove(key: string, flow: ReplayFlow, reason: FlowEnd): void {
    this.#flows.delete(key)
    this.#close(flow, reason)
  }

  closeAll(): void {
    for (const [key, flow] of this.#flows) this.remove(key, flow, 'shutdown')
  }

  /** Called once a packet: closes some of the flows whose time is over. */
  sweep(nowMs: number): void {
    this.#packets += 1
    if (this.#packets % SWEEP_EVERY !== 0 || this.#flows.size < SWEEP_FROM) return
    this.#sweep ??= this.#flows.entries()
    for (let count = 0; count < SWEEP_FLOWS; count += 1) {
      const next = this.#sweep.next()
      if (next.done === true) {
        this.#sweep = null
        return
      }
      const [key, flow] = next.value
      if (isTimedOut(flow, nowMs, this.#timeouts)) this.remove(key, flow, 'timeout')
    }
  }
}

/** True when a packet at this time belongs to a new flow. */
export function isTimedOut(flow: ReplayFlow, nowMs: number, timeouts: FlowTimeouts): boolean {
  return nowMs - flow.lastMs > timeoutsFor(timeouts, flow.protocol)[flow.state]
}
