import type { DesiredSteering } from '#steering/flows/desired.ts'
import {
  DEFAULT_ENTRY_PRIORITY,
  DEFAULT_FIRST_TABLE,
  DEFAULT_OWNER,
  PASS_ZONE,
  TABLE,
  TABLE_COUNT,
} from '#steering/flows/layout.ts'
import type { CookieBase } from '#steering/flows/render.ts'
import { resolve } from '#steering/flows/resolve.ts'
import { flowUnits } from '#steering/flows/units.ts'
import { Bridge } from './bridge.ts'
import { connectionsOf, countersOf } from './by-attachment.ts'
import { ControlSocket } from './control-socket.ts'
import { Datapath } from './datapath.ts'
import { type DecisionChange, Decisions } from './decisions.ts'
import { type Difference, bundleText, describe, difference, isEmpty } from './difference.ts'
import { SwitchError } from './errors.ts'
import { type BookChange, FlowBook, changeText } from './flow-book.ts'
import { FlowCheck } from './flow-check.ts'
import { IdStore, NOT_BEGUN } from './id-store.ts'
import type {
  AttachmentCounters,
  ConnectionTuple,
  Drift,
  Realized,
  Steering,
  SwitchControllerOptions,
  Switchover,
} from './switch-controller-interface.ts'

const DEFAULT_LEARNING_MS = 10_000
const DEFAULT_RECONCILE_MS = 15_000
/** Between the end of a learning window and the flows that shut it. */
const LEARNING_SLACK_MS = 20
/** Waits between repairs that fail. */
const FIRST_RETRY_MS = 250
const MAX_RETRY_MS = 5_000
/** A change of so many cookies is read back by cookie, a larger one with all flows. */
const MAX_COOKIES_READ_BACK = 8

interface Waiting {
  readonly desired: DesiredSteering
  readonly settled: { resolve: (result: Realized) => void; reject: (error: unknown) => void }[]
}

/**
 * Brings the desired state into the switch and keeps it there: compile what changed, send it in one
 * atomic bundle, read it back. Level-triggered; the order of calls does not matter, the last state wins.
 * See Steering for what each method promises.
 *
 * `setDesired` and `reconcile` are carried out one after the other. `setListening` is not among them: a
 * worker's death must not wait for anything (Decisions has what follows from that).
 *
 * Restart: flows stay while no agent runs. The next one reads them, takes the next *round*, and its
 * first `setDesired` gives every flow the cookie of that round and removes those that nobody wants any
 * more, in one bundle: no packet sees a moment without flows.
 */
export class SwitchController implements Steering {
  readonly #options: Required<SwitchControllerOptions>
  readonly #bridge: Bridge
  readonly #control: ControlSocket
  readonly #datapath: Datapath
  readonly #ids: IdStore
  readonly #listeners = new Set<(drift: Drift) => void>()
  readonly #book = new FlowBook()
  readonly #decisions: Decisions
  readonly #check: FlowCheck
  #deciding: Promise<void> | null = null
  /** Of the decisions that were sent last. */
  #revalidated: Promise<void> = Promise.resolve()
  #base: CookieBase
  #desired: DesiredSteering | null = null
  #waiting: Waiting | null = null
  #queue: Promise<unknown> = Promise.resolve()
  #timer: NodeJS.Timeout | null = null
  #learning: NodeJS.Timeout | null = null
  #retry: NodeJS.Timeout | null = null
  #isStopped = false

  constructor(options: SwitchControllerOptions) {
    this.#options = {
      firstTable: DEFAULT_FIRST_TABLE,
      entryPriority: DEFAULT_ENTRY_PRIORITY,
      learningMs: DEFAULT_LEARNING_MS,
      reconcileMs: DEFAULT_RECONCILE_MS,
      owner: DEFAULT_OWNER,
      ...options,
    }
    const { owner, firstTable } = this.#options
    this.#base = { owner, round: 0 }
    this.#decisions = new Decisions(firstTable, this.#base)
    this.#bridge = new Bridge(options.managementSocket)
    this.#check = new FlowCheck(this.#bridge, this.#book, this.#decisions, { owner, firstTable })
    this.#control = new ControlSocket(options.controlSocket, () => this.#repairSoon())
    this.#datapath = new Datapath(this.#control, this.#bridge)
    this.#ids = new IdStore(options.stateFile)
  }

  async start(): Promise<void> {
    const { owner, firstTable, reconcileMs } = this.#options
    await this.#ids.load()
    await this.#bridge.checkTables(owner, firstTable, TABLE_COUNT)
    const installed = await this.#bridge.ownFlows(owner)
    const rounds = new Set(installed.map((flow) => Number((flow.cookie >> 32n) & 0xffffn)))
    this.#base = { owner, round: this.#ids.nextRound([...rounds]) }
    this.#decisions.begin(this.#base)
    await this.#ids.save()
    this.#control.start()
    if (reconcileMs > 0) this.#timer = setInterval(() => this.#repairSoon(), reconcileMs)
    this.#timer?.unref()
  }

  setDesired(desired: DesiredSteering): Promise<Realized> {
    return new Promise((resolve, reject) => {
      const settled = [...(this.#waiting?.settled ?? []), { resolve, reject }]
      const isFirst = this.#waiting === null
      this.#waiting = { desired, settled }
      if (isFirst) void this.#serially(() => this.#carryOut())
    })
  }

  setListening(domains: ReadonlySet<string>): Switchover {
    this.#decisions.listening = domains
    const applied = this.#decide()
    const settled = applied.then(() => this.#revalidated)
    settled.catch(() => {}) // who asks only for `applied` hears of it there
    return { applied, settled }
  }

  async reconcile(): Promise<Drift | null> {
    const drift = await this.#serially(() => this.#repair())
    // Not in the queue: the next change must not wait for this.
    if (drift !== null) await this.#datapath.revalidate()
    return drift
  }

  async counters(): Promise<ReadonlyMap<string, AttachmentCounters>> {
    const { owner, firstTable } = this.#options
    const flows = await this.#bridge.ownFlows(owner, firstTable + TABLE.inspect)
    return countersOf(flows, this.#ids.keys())
  }

  async connections(): Promise<ReadonlyMap<string, readonly ConnectionTuple[]>> {
    return connectionsOf(await this.#datapath.inspected(), this.#ids.keys())
  }

  onDrift(listener: (drift: Drift) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  async stop(): Promise<void> {
    if (this.#timer !== null) clearInterval(this.#timer)
    if (this.#learning !== null) clearTimeout(this.#learning)
    if (this.#retry !== null) clearTimeout(this.#retry)
    this.#isStopped = true
    this.#timer = null
    this.#learning = null
    this.#retry = null
    await this.#queue
    await this.#deciding?.catch(() => {})
    this.#control.stop()
  }

  async clear(): Promise<void> {
    await this.#serially(async () => {
      this.#desired = null
      this.#book.clear()
      this.#decisions.clear()
      await this.#deciding?.catch(() => {})
      await this.#bridge.removeOwnFlows(this.#options.owner)
      await this.#release(new Set(), new Set())
    })
  }

  async #carryOut(): Promise<void> {
    const { desired, settled } = this.#waiting!
    this.#waiting = null
    try {
      const { realized, revalidated } = await this.#realize(desired)
      // Not in the queue: the next change must not wait for this.
      void revalidated.then(
        () => settled.forEach((one) => one.resolve(realized)),
        (error: unknown) => settled.forEach((one) => one.reject(error)),
      )
    } catch (error) {
      for (const one of settled) one.reject(error)
    }
  }

  async #realize(
    desired: DesiredSteering,
  ): Promise<{ readonly realized: Realized; readonly revalidated: Promise<void> }> {
    const resetting = desired.attachments.filter(
      (one) => one.onAttach === 'reset' && this.#ids.record(one.key)?.scope !== scopeOf(one),
    )
    const { state, refused } = await this.#resolve(desired)
    const change = await this.#book.plan(flowUnits(state), this.#base)
    const domains = state.ports.length === 0 ? [] : state.domains
    // What was put in force last is taken for what the switch has, and checked afterwards: a dump of all
    // flows first would be time lost.
    const { added, removed } =
      this.#desired === null
        ? await this.#takeOver(change, this.#decisions.take(domains))
        : await this.#advance(change, this.#decisions.take(domains))
    const revalidated = added + removed > 0 ? this.#datapath.revalidate() : Promise.resolve()
    this.#desired = desired
    this.#decideSoon()
    await this.#readBack(change)
    this.#shutWindowAt(this.#ids.beginWindows(Date.now(), this.#options.learningMs))
    for (const attachment of resetting)
      await this.#datapath.forgetWanted(attachment, this.#ids.zonesOf(attachment.port) + PASS_ZONE)
    await this.#release(
      new Set(desired.ports.map((port) => port.key)),
      new Set(desired.attachments.map((attachment) => attachment.key)),
    )
    const flows = this.#book.size + this.#decisions.flows().length
    const { generation } = desired
    return { realized: { generation, flows, added, removed, refused }, revalidated }
  }

  /** The first state: compared with what an earlier agent, or nobody, left in the switch. */
  async #takeOver(
    change: BookChange,
    decided: DecisionChange,
  ): Promise<{ readonly added: number; readonly removed: number }> {
    const booked = [...change.units.values()].flat()
    const installed = await this.#bridge.ownFlows(this.#options.owner)
    if (installed.length === 0) return this.#advance(change, decided)
    const wanted = await this.#check.inSwitchWords([...booked, ...decided.all])
    const found = difference(wanted, installed)
    if (!isEmpty(found)) await this.#bridge.apply(bundleText(wanted, found))
    this.#book.commit(change)
    decided.landed()
    return { added: found.missing.length, removed: found.unexpected.length }
  }

  async #advance(
    change: BookChange,
    decided: DecisionChange,
  ): Promise<{ readonly added: number; readonly removed: number }> {
    const added = [...change.added, ...decided.added]
    const removed = [...change.removed, ...decided.removed]
    const isKept = this.#book.keepsCookie(change)
    if (added.length + removed.length > 0)
      await this.#bridge.apply(changeText(added, removed, isKept))
    this.#book.commit(change)
    decided.landed()
    return { added: added.length, removed: removed.length }
  }

  /** Sends the decisions that the switch lacks; what changes meanwhile is sent after that. */
  #decide(): Promise<void> {
    this.#deciding ??= this.#sendDecisions()
    return this.#deciding
  }

  async #sendDecisions(): Promise<void> {
    await Promise.resolve() // until `#deciding` is set
    try {
      for (let change = this.#decisions.change(); change !== null;) {
        try {
          await this.#bridge.apply(changeText(change.added, [], () => true))
          change.ended(true)
          this.#revalidated = this.#datapath.revalidate().catch(() => {})
        } catch (error) {
          change.ended(false)
          this.#repairSoon()
          throw error
        }
        change = this.#decisions.change()
      }
    } finally {
      this.#deciding = null
    }
  }

  #decideSoon(): void {
    this.#decide().catch(() => {}) // seen by the repair that follows
  }

  async #resolve(desired: DesiredSteering): Promise<ReturnType<typeof resolve>> {
    const { firstTable, entryPriority } = this.#options
    const now = Date.now()
    for (const attachment of desired.attachments)
      this.#ids.attachment(
        attachment.key,
        scopeOf(attachment),
        attachment.onAttach === 'new-only' ? NOT_BEGUN : 0,
      )
    const resolved = resolve(
      desired,
      { firstTable, entryPriority },
      {
        zonesOf: (port) => this.#ids.zonesOf(port),
        numberOf: (key) => this.#ids.record(key)!.number,
        isLearning: (key) => this.#ids.record(key)!.learnUntil > now,
        isListening: (key) => this.#decisions.isListening(key),
      },
    )
    await this.#ids.save()
    return resolved
  }

  /**
   * @param time    milliseconds since the epoch, Infinity for never
   * @param retryMs after which it is tried again if the switch does not take it; twice as much each time
   */
  #shutWindowAt(time: number, retryMs = FIRST_RETRY_MS): void {
    if (this.#learning !== null) clearTimeout(this.#learning)
    this.#learning = null
    if (time === Infinity || this.#isStopped) return
    const waitMs = Math.max(0, time - Date.now()) + LEARNING_SLACK_MS
    this.#learning = setTimeout(() => {
      this.#serially(() => this.#shutWindow()).catch(() => {
        this.#repairSoon()
        this.#shutWindowAt(Date.now() + retryMs, Math.min(retryMs * 2, MAX_RETRY_MS))
      })
    }, waitMs)
    this.#learning.unref()
  }

  /** In the queue, where no other state is on its way into the switch: it would be taken back. */
  async #shutWindow(): Promise<void> {
    if (this.#desired === null) return
    // What waits is carried out next, and looks at the windows itself if the switch takes it.
    if (this.#waiting !== null) this.#shutWindowAt(Date.now() + FIRST_RETRY_MS)
    else await this.#realize(this.#desired)
  }

  /** Looks whether the switch has what it was given, repairs what it lacks, and looks again. */
  async #readBack({ added, removed }: BookChange): Promise<void> {
    const cookies = new Set([...added, ...removed].map((flow) => flow.cookie))
    if (cookies.size === 0) return
    const found = await this.#check.look(cookies.size > MAX_COOKIES_READ_BACK ? null : cookies)
    if (found === null) return
    await this.#check.repair(found)
    const left = await this.#check.look(null)
    if (left !== null)
      throw new SwitchError('NOT_IN_FORCE', `the switch has other flows: ${describe(left.change)}`)
    this.#tell(found.change)
  }

  async #repair(): Promise<Drift | null> {
    if (this.#desired === null) return null
    const found = await this.#check.look(null)
    if (found !== null) await this.#check.repair(found)
    this.#decideSoon()
    return found === null ? null : this.#tell(found.change)
  }

  /** Tells the listeners of a difference between what was in force and what the switch has. */
  #tell({ missing, stale, unexpected }: Difference): Drift | null {
    const drift = { missing: missing.length + stale.length, unexpected: unexpected.length }
    if (drift.missing + drift.unexpected === 0) return null
    for (const listener of this.#listeners) listener(drift)
    return drift
  }

  /** Repairs, and while the switch is away tries again, ever more slowly. */
  #repairSoon(waitMs = FIRST_RETRY_MS): void {
    if (this.#retry !== null) clearTimeout(this.#retry)
    this.#retry = null
    this.reconcile().catch(() => {
      if (this.#isStopped) return
      this.#retry = setTimeout(() => this.#repairSoon(Math.min(waitMs * 2, MAX_RETRY_MS)), waitMs)
      this.#retry.unref()
    })
  }

  /** Forgets ports and attachments that are gone; what conntrack has of the ports goes with them. */
  async #release(ports: ReadonlySet<string>, attachments: ReadonlySet<string>): Promise<void> {
    const released = this.#ids.retain(ports, attachments)
    await this.#ids.save()
    for (const firstZone of released) await this.#datapath.flushPort(firstZone)
  }

  #serially<T>(task: () => Promise<T>): Promise<T> {
    const result = this.#queue.then(task)
    this.#queue = result.catch(() => {})
    return result
  }
}

/** Which connections an attachment wants: none while it drains. */
function scopeOf({ isDraining, classifiers }: DesiredSteering['attachments'][number]): string {
  return isDraining ? '' : JSON.stringify(classifiers)
}
