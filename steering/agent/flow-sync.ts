import { EventEmitter } from 'node:events'
import { isDeepStrictEqual } from 'node:util'
import type { AttachmentMode } from '#steering/flows/desired.ts'
import type { Realized, Steering } from '#steering/openflow/switch-controller-interface.ts'
import { type BypassEvent, BypassLedger, SETTLE_MS } from './bypass-ledger.ts'
import { RETRY_MAX_MS, RETRY_MIN_MS } from './keyed-queue.ts'
import type { SteeringPlan } from './plan-steering.ts'

interface FlowSyncEvents {
  /** The switch has what was last planned, or an attempt failed: `realized`, `problem` say which. */
  synced: []
  /** Inspection of an attachment was lost or is back. */
  outage: [event: BypassEvent]
}

/** What the switch was last found to have. */
export interface RealizedFlows {
  readonly plan: SteeringPlan
  readonly result: Realized
}

/**
 * Brings the plan of the moment into the switch whenever somebody says that it may have changed. One
 * attempt at a time; what is asked for meanwhile is one more attempt with the plan of then. It also
 * keeps the ledger of outages: one begins when the plan leaves `listening` and ends only when the
 * switch has the flows that lead to the inspector again.
 */
export class FlowSync extends EventEmitter<FlowSyncEvents> {
  readonly #steering: Steering
  readonly #plan: () => SteeringPlan | null
  readonly #listening: () => ReadonlySet<string>
  readonly #ledger = new BypassLedger()
  #realized: RealizedFlows | null = null
  #problem: string | null = null
  #running: Promise<void> | null = null
  #again = false
  #failures = 0
  #retry: NodeJS.Timeout | null = null
  #settle: NodeJS.Timeout | null = null
  #stopped = false
  #durationMs: number[] = []

  /**
   * @param plan      what the switch should have now; null: not known yet, touch nothing
   * @param listening domains in which a worker listens now
   */
  constructor(
    steering: Steering,
    plan: () => SteeringPlan | null,
    listening: () => ReadonlySet<string>,
  ) {
    super()
    this.#steering = steering
    this.#plan = plan
    this.#listening = listening
  }

  get realized(): RealizedFlows | null {
    return this.#realized
  }

  /** Why the last attempt failed; null when it did not. */
  get problem(): string | null {
    return this.#problem
  }

  bypassedMs(key: string, now: number): number {
    return this.#ledger.bypassedMs(key, now)
  }

  /** Durations of the attempts since the last call, in milliseconds. */
  takeDurations(): number[] {
    return this.#durationMs.splice(0)
  }

  /**
   * Workers began or ceased to listen somewhere: the decisions about new connections follow at once,
   * whatever else is under way; the ledger and the rest come after.
   *
   * @returns when the switch leads no new connection where nobody listens. Rejects when it cannot be told
   */
  follow(): Promise<void> {
    if (this.#stopped) return Promise.resolve()
    const { settled } = this.#steering.setListening(this.#listening())
    if (this.#running !== null) {
      const plan = this.#plan()
      if (plan !== null) this.#observe(this.#pessimistic(plan.modes))
    }
    void this.request()
    return settled
  }

  /** Asks for an attempt; resolves when one that began after this call has ended, well or not. */
  request(): Promise<void> {
    if (this.#stopped) return Promise.resolve()
    if (this.#running !== null) {
      this.#again = true
      return this.#running
    }
    if (this.#retry !== null) clearTimeout(this.#retry)
    this.#retry = null
    this.#running = this.#attempts().finally(() => {
      this.#running = null
    })
    return this.#running
  }

  async stop(): Promise<void> {
    this.#stopped = true
    if (this.#retry !== null) clearTimeout(this.#retry)
    if (this.#settle !== null) clearTimeout(this.#settle)
    await this.#running
  }

  async #attempts(): Promise<void> {
    do {
      this.#again = false
      await this.#attempt()
    } while (this.#again && !this.#stopped)
  }

  async #attempt(): Promise<void> {
    const plan = this.#plan()
    if (plan === null) return
    this.#observe(this.#pessimistic(plan.modes))
    const startedAt = performance.now()
    try {
      const { settled } = this.#steering.setListening(plan.listening)
      // Whether the switch still has it is the controller's to look at: that would be drift.
      const same = this.#sameAsRealized(plan)
      const result = same ?? (await this.#steering.setDesired(plan.desired))
      // What the datapath has cached counts too: in force is what packets meet.
      await settled
      this.#realized = { plan, result }
      this.#problem = null
      this.#failures = 0
      // What has changed meanwhile was told when it did.
      if (!this.#again) this.#observe(plan.modes)
      if (same !== null) {
        this.emit('synced')
        return
      }
    } catch (error) {
      this.#problem = `switch: ${(error as Error).message}`
      this.#failures++
      const pauseMs = Math.min(RETRY_MIN_MS * 2 ** (this.#failures - 1), RETRY_MAX_MS / 10)
      if (!this.#stopped) this.#retry = setTimeout(() => void this.request(), pauseMs)
    }
    this.#durationMs.push(performance.now() - startedAt)
    if (this.#durationMs.length > MAX_DURATIONS) this.#durationMs.shift()
    this.emit('synced')
  }

  #sameAsRealized(plan: SteeringPlan): Realized | null {
    const before = this.#realized
    if (this.#problem !== null || before === null) return null
    return isDeepStrictEqual(before.plan.desired, plan.desired) ? before.result : null
  }

  /** Modes as they are until the switch has confirmed: an outage that the plan ends still goes on. */
  #pessimistic(planned: ReadonlyMap<string, AttachmentMode>): Map<string, AttachmentMode> {
    const before = this.#realized?.plan.modes
    return new Map(
      [...planned].map(([key, mode]) => {
        const previous = before?.get(key)
        const isOut = previous === 'bypass' || previous === 'closed'
        return [key, mode === 'listening' && isOut ? previous : mode]
      }),
    )
  }

  #observe(modes: ReadonlyMap<string, AttachmentMode>): void {
    for (const event of this.#ledger.observe(modes, Date.now())) this.emit('outage', event)
    if (!this.#ledger.isUnsettled || this.#settle !== null || this.#stopped) return
    this.#settle = setTimeout(() => {
      this.#settle = null
      const realized = this.#realized?.plan.modes
      if (realized !== undefined && this.#running === null) this.#observe(realized)
    }, SETTLE_MS)
    this.#settle.unref()
  }
}

const MAX_DURATIONS = 1000
