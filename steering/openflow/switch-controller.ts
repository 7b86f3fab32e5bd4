import { setTimeout as delay } from 'node:timers/promises'
import { compile } from '#steering/flows/compile.ts'
import type { DesiredAttachment, DesiredSteering } from '#steering/flows/desired.ts'
import { isWanted } from '#steering/flows/is-wanted.ts'
import {
  DEFAULT_ENTRY_PRIORITY,
  DEFAULT_FIRST_TABLE,
  DEFAULT_OWNER,
  MARK_INSPECTED,
  PASS_ZONE,
  TABLE,
  TABLE_COUNT,
  ZONES_PER_PORT,
} from '#steering/flows/layout.ts'
import { cookieOf, renderFlow } from '#steering/flows/render.ts'
import { resolve } from '#steering/flows/resolve.ts'
import { RpcError } from '#steering/ovsdb/errors.ts'
import { Bridge } from './bridge.ts'
import { MAX_CONNECTION_DUMP_BYTES, flushTuple, readConntrack } from './conntrack.ts'
import { ControlSocket } from './control-socket.ts'
import { type DesiredFlow, type Difference, bundleText, difference, isEmpty } from './difference.ts'
import { SwitchError } from './errors.ts'
import { FIRST_ZONE, IdStore, LAST_ZONE, NOT_BEGUN } from './id-store.ts'
import type {
  AttachmentCounters,
  ConnectionTuple,
  Drift,
  Realized,
  Steering,
  SwitchControllerOptions,
} from './switch-controller-interface.ts'

const DEFAULT_LEARNING_MS = 10_000
const DEFAULT_RECONCILE_MS = 15_000
/** Between the end of a learning window and the flows that shut it. */
const LEARNING_SLACK_MS = 20
const MIN_REVALIDATION_MS = 50
/** Waits between repairs that fail. */
const FIRST_RETRY_MS = 250
const MAX_RETRY_MS = 5_000

interface Waiting {
  readonly desired: DesiredSteering
  readonly settled: { resolve: (result: Realized) => void; reject: (error: unknown) => void }[]
}

/**
 * Brings the desired state into the switch and keeps it there: compile, compare with what the switch
 * has, change the difference in one atomic bundle, read back. Level-triggered; the order of calls does
 * not matter, the last state wins. See Steering for what each method promises.
 *
 * Restart: flows stay while no agent runs. The next one reads them, takes the next *round*, and its
 * first `setDesired` gives every flow the cookie of that round and removes those that nobody wants any
 * more, in one bundle: no packet sees a moment without flows.
 */
export class SwitchController implements Steering {
  readonly #options: Required<SwitchControllerOptions>
  readonly #bridge: Bridge
  readonly #control: ControlSocket
  readonly #ids: IdStore
  readonly #listeners = new Set<(drift: Drift) => void>()
  #round = 0
  #desired: DesiredSteering | null = null
  #flows: readonly DesiredFlow[] = []
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
    this.#bridge = new Bridge(options.managementSocket)
    this.#control = new ControlSocket(options.controlSocket, () => this.#repairSoon())
    this.#ids = new IdStore(options.stateFile)
  }

  async start(): Promise<void> {
    const { owner, firstTable, reconcileMs } = this.#options
    await this.#ids.load()
    await this.#bridge.checkTables(owner, firstTable, TABLE_COUNT)
    const installed = await this.#bridge.ownFlows(owner)
    const rounds = new Set(installed.map((flow) => Number((flow.cookie >> 32n) & 0xffffn)))
    this.#round = this.#ids.nextRound([...rounds])
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

  reconcile(): Promise<Drift | null> {
    return this.#serially(() => this.#repair())
  }

  async counters(): Promise<ReadonlyMap<string, AttachmentCounters>> {
    const { owner, firstTable } = this.#options
    const counters = new Map<string, AttachmentCounters>()
    const keys = this.#ids.keys()
    for (const flow of await this.#bridge.ownFlows(owner)) {
      if (flow.table !== firstTable + TABLE.inspect) continue
      const key = keys.get(Number(flow.cookie & 0xffff_ffffn))
      if (key === undefined) continue
      const before = counters.get(key) ?? { packets: 0, bytes: 0 }
      counters.set(key, {
        packets: before.packets + flow.packets,
        bytes: before.bytes + flow.bytes,
      })
    }
    return counters
  }

  async connections(): Promise<ReadonlyMap<string, readonly ConnectionTuple[]>> {
    const output = await this.#control.run('dpctl/dump-conntrack')
    const found = new Map<string, Map<string, ConnectionTuple>>()
    const keys = this.#ids.keys()
    for (const connection of readConntrack(output.slice(0, MAX_CONNECTION_DUMP_BYTES))) {
      const { zone, mark, attachment, tuple, isAlive } = connection
      if (mark !== MARK_INSPECTED || !isAlive || zone < FIRST_ZONE || zone > LAST_ZONE + 3) continue
      // Far and near zone both have it, the book only its SYN.
      if ((zone - FIRST_ZONE) % ZONES_PER_PORT > 1) continue
      const key = keys.get(attachment)
      if (key === undefined) continue
      const tuples = found.get(key) ?? new Map<string, ConnectionTuple>()
      tuples.set(JSON.stringify(tuple), tuple)
      found.set(key, tuples)
    }
    return new Map([...found].map(([key, tuples]) => [key, [...tuples.values()]]))
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
    this.#control.stop()
  }

  async clear(): Promise<void> {
    await this.#serially(async () => {
      this.#desired = null
      this.#flows = []
      await this.#bridge.removeOwnFlows(this.#options.owner)
      await this.#release(new Set(), new Set())
    })
  }

  async #carryOut(): Promise<void> {
    const { desired, settled } = this.#waiting!
    this.#waiting = null
    try {
      const { realized, revalidated } = await this.#realize(desired)
      // Not in the queue: a change that comes meanwhile, a worker's death, must not wait for this.
      void revalidated.then(() => {
        for (const one of settled) one.resolve(realized)
      })
    } catch (error) {
      for (const one of settled) one.reject(error)
    }
  }

  async #realize(desired: DesiredSteering): Promise<{
    readonly realized: Realized
    readonly revalidated: Promise<void>
  }> {
    const resetting = desired.attachments.filter(
      (one) => one.onAttach === 'reset' && this.#ids.record(one.key)?.scope !== scopeOf(one),
    )
    const { refused, flows } = await this.#compile(desired)
    // What was put in force last is taken for what the switch has, and checked afterwards: when traffic is
    // to be led round a dead worker, a dump of all flows first would be time lost.
    const isFirst = this.#desired === null
    const known = isFirst ? await this.#bridge.ownFlows(this.#options.owner) : this.#flows
    const change = difference(flows, known)
    let revalidated = Promise.resolve()
    if (!isEmpty(change)) {
      await this.#bridge.apply(bundleText(flows, change))
      revalidated = this.#revalidate()
    }
    const drift = difference(flows, await this.#bridge.ownFlows(this.#options.owner))
    if (!isEmpty(drift)) {
      await this.#bridge.apply(bundleText(flows, drift))
      await this.#verify(flows)
      if (!isFirst) this.#tell(drift)
    }
    this.#desired = desired
    this.#flows = flows
    this.#shutWindowAt(this.#ids.beginWindows(Date.now(), this.#options.learningMs))
    for (const attachment of resetting) await this.#forgetPassed(attachment)
    await this.#release(
      new Set(desired.ports.map((port) => port.key)),
      new Set(desired.attachments.map((attachment) => attachment.key)),
    )
    const realized = {
      generation: desired.generation,
      flows: flows.length,
      added: change.missing.length,
      removed: change.unexpected.length,
      refused,
    }
    return { realized, revalidated }
  }

  /**
   * Waits until the datapath has given up what it had cached of the flows before: the round of
   * revalidation that is under way, and, as that may have begun before the change, one more. A switch at
   * rest makes no further round for a while, so the second wait is bounded by what the first one took.
   */
  async #revalidate(): Promise<void> {
    const startedAt = performance.now()
    try {
      await this.#control.run('revalidator/wait')
      const boundMs = Math.max(MIN_REVALIDATION_MS, 2 * (performance.now() - startedAt))
      const second = this.#control.run('revalidator/wait').catch(() => {})
      await Promise.race([second, delay(boundMs, undefined, { ref: false })])
    } catch (error) {
      if (!(error instanceof RpcError)) throw error // ovs-vswitchd is gone, and its cache with it
    }
  }

  async #compile(desired: DesiredSteering): Promise<{
    readonly flows: readonly DesiredFlow[]
    readonly refused: Realized['refused']
  }> {
    const { firstTable, entryPriority, owner } = this.#options
    const now = Date.now()
    for (const attachment of desired.attachments)
      this.#ids.attachment(
        attachment.key,
        scopeOf(attachment),
        attachment.onAttach === 'new-only' ? NOT_BEGUN : 0,
      )
    const { state, refused } = resolve(
      desired,
      { firstTable, entryPriority },
      {
        zonesOf: (port) => this.#ids.zonesOf(port),
        numberOf: (key) => this.#ids.record(key)!.number,
        isLearning: (key) => this.#ids.record(key)!.learnUntil > now,
      },
    )
    await this.#ids.save()
    const compiled = compile(state)
    const texts = await this.#bridge.normalize(compiled.map(renderFlow))
    const base = { owner, round: this.#round }
    const flows = compiled.map((flow, index) => ({
      ...texts[index],
      cookie: cookieOf(base, flow.cookie),
    }))
    return { flows, refused }
  }

  /** @param time milliseconds since the epoch, Infinity for never */
  #shutWindowAt(time: number): void {
    if (this.#learning !== null) clearTimeout(this.#learning)
    this.#learning = null
    if (time === Infinity) return
    const waitMs = Math.max(0, time - Date.now()) + LEARNING_SLACK_MS
    this.#learning = setTimeout(() => {
      const desired = this.#waiting?.desired ?? this.#desired
      // A failure is seen by the reconcile that follows it.
      if (desired !== null) this.setDesired(desired).catch(() => this.#repairSoon())
    }, waitMs)
    this.#learning.unref()
  }

  async #verify(flows: readonly DesiredFlow[]): Promise<void> {
    const left = difference(flows, await this.#bridge.ownFlows(this.#options.owner))
    if (!isEmpty(left))
      throw new SwitchError('NOT_IN_FORCE', `the switch has other flows: ${describe(left)}`)
  }

  async #repair(): Promise<Drift | null> {
    if (this.#desired === null) return null
    const change = difference(this.#flows, await this.#bridge.ownFlows(this.#options.owner))
    if (isEmpty(change)) return null
    await this.#bridge.apply(bundleText(this.#flows, change))
    return this.#tell(change)
  }

  /**
   * `onAttach: reset`: connections that were let pass for another attachment's sake are no longer known,
   * so their next packet goes to the inspector, whose kernel resets them.
   */
  async #forgetPassed(attachment: DesiredAttachment): Promise<void> {
    const zone = `zone=${this.#ids.zonesOf(attachment.port) + PASS_ZONE}`
    try {
      const output = await this.#control.run('dpctl/dump-conntrack', zone)
      for (const { tuple } of readConntrack(output.slice(0, MAX_CONNECTION_DUMP_BYTES)))
        if (isWanted(attachment, tuple))
          await this.#control.run('dpctl/flush-conntrack', zone, flushTuple(tuple))
    } catch (error) {
      if (!(error instanceof RpcError)) throw error // gone with ovs-vswitchd
    }
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
    for (const first of released)
      for (let zone = first; zone < first + ZONES_PER_PORT; zone++)
        try {
          await this.#control.run('dpctl/flush-conntrack', `zone=${zone}`)
        } catch (error) {
          if (!(error instanceof RpcError)) throw error // gone with ovs-vswitchd, or kept till they end
        }
  }

  #serially<T>(task: () => Promise<T>): Promise<T> {
    const result = this.#queue.then(task)
    this.#queue = result.catch(() => {})
    return result
  }
}

/** Which connections an attachment wants: none while it drains. */
function scopeOf({ mode, classifiers }: DesiredAttachment): string {
  return mode === 'draining' ? '' : JSON.stringify(classifiers)
}

function describe({ missing, stale, unexpected }: Difference): string {
  const example = missing[0] ?? stale[0] ?? unexpected[0]
  const counts = `${missing.length} missing, ${stale.length} stale, ${unexpected.length} unexpected`
  return `${counts}; first: table=${example?.table},${example?.match}`
}
