import type { HostSnapshot } from '#chain/model/snapshot.ts'
import { scopedKey } from '#chain/model/desired.ts'
import type { HostStatus } from '#chain/model/status.ts'
import type {
  AttachmentCounters,
  Steering,
} from '#steering/openflow/switch-controller-interface.ts'
import type { RunCommand } from '../domain/command.ts'
import type { AlertSpool } from './alert-spool.ts'
import type { BypassEvent } from './bypass-ledger.ts'
import { DomainSet, type DomainSetSettings } from './domain-set.ts'
import { Drainer } from './drain.ts'
import { FlowSync } from './flow-sync.ts'
import { hostStatus } from './host-status.ts'
import { type InForceAttachment, InForceStore } from './in-force.ts'
import { type DomainPlan, type DomainPlans, planDomains } from './plan-domains.ts'
import { listeningDomains, planSteering } from './plan-steering.ts'
import { pauseOf, periodically } from './periodically.ts'
import type { PortSource } from './port-source.ts'
import { driftAlert, outageAlert } from './service-alert.ts'
import type { RuleCache } from './rule-cache.ts'
import type { SnapshotSource } from './snapshot-source.ts'
import { startSteering } from './start-steering.ts'
import { TapSet } from './tap-set.ts'

/** Everything is looked at so often, whatever was heard. */
export const RESYNC_MS = 15_000
const COUNTERS_MS = 5000

export interface AgentSettings {
  readonly host: string
  readonly version: string
  readonly workers: number
  readonly dataFolder: string
}

export interface AgentParts {
  readonly steering: Steering
  readonly ports: PortSource
  readonly snapshots: SnapshotSource
  readonly rules: RuleCache
  readonly alerts: AlertSpool
  readonly domains: Omit<
    DomainSetSettings,
    'hasPort' | 'otherNames' | 'ensureBundle' | 'onConfigured' | 'onLost' | 'log'
  >
  readonly run: RunCommand
  readonly log: (message: string, fields: Record<string, unknown>) => void
  /** Called when `status()` may say something new. */
  readonly onStatus: () => void
}

/**
 * The agent's loop. Three levels, each driven by what the one before has reached:
 *
 *   snapshot (wanted)  ->  domains: workers configured and listening  ->  in force  ->  flows
 *
 * Flows are made from what is in force alone, so they follow the workers; a detached attachment loses
 * its flows first and leaves the workers' configuration afterwards. Nothing is touched before the
 * snapshot, the ports and the domains of an earlier run are known: until then the switch goes on with
 * the flows it has.
 */
export class Agent {
  readonly #settings: AgentSettings
  readonly #parts: AgentParts
  readonly #inForce: InForceStore
  readonly #domains: DomainSet
  readonly taps: TapSet
  readonly #flows: FlowSync
  readonly #drainer: Drainer
  readonly #ended = new AbortController()
  readonly #attempted = new Set<string>()
  #plans: DomainPlans | null = null
  #cleaned: Promise<void> | null = null
  #isSteering = false
  #isReady = false
  #reached = { epoch: 0, generation: 0 }
  #snapshotProblem: string | null = null
  #counters: ReadonlyMap<string, AttachmentCounters> = new Map()
  #drift = 0
  #loops: Promise<void>[] = []

  constructor(settings: AgentSettings, parts: AgentParts) {
    this.#settings = settings
    this.#parts = parts
    this.#inForce = new InForceStore(settings.dataFolder)
    const ensureBundle = (sha256: string): Promise<void> => parts.rules.ensure(sha256)
    const { log } = parts
    const common = { ...parts.domains, ensureBundle, log }
    this.taps = new TapSet(
      { ...common, host: settings.host, ports: () => parts.ports.ports },
      () => this.#currentPlans()?.taps ?? null,
    )
    this.#domains = new DomainSet(
      {
        ...common,
        hasPort: (name) => parts.ports.ports.some((port) => port.name === name),
        otherNames: () => this.taps.names(),
        onConfigured: (plan) => this.#configured(plan),
        onLost: () => this.#flows.follow(),
      },
      () => this.#currentPlans()?.domains ?? new Map<string, DomainPlan>(),
    )
    this.#flows = new FlowSync(
      parts.steering,
      () => this.#steeringPlan(),
      () => listeningDomains(parts.ports.ports, this.#domains.forFlows()),
    )
    this.#drainer = new Drainer({
      inForce: this.#inForce,
      flows: this.#flows,
      steering: parts.steering,
      namespaceOf: (id) => this.#domains.namespaceOf(id),
      run: parts.run,
      log,
    })
  }

  get domains(): DomainSet {
    return this.#domains
  }

  get flows(): FlowSync {
    return this.#flows
  }

  get driftRepaired(): number {
    return this.#drift
  }

  /** True once the first snapshot was brought into force as far as it can be. */
  get isReady(): boolean {
    return this.#isReady && this.#flows.realized !== null
  }

  async start(): Promise<void> {
    const { steering, ports, snapshots, rules, log, onStatus } = this.#parts
    await this.#inForce.load()
    await rules.open()
    steering.onDrift((drift) => {
      this.#drift += drift.missing + drift.unexpected
      log('drift repaired', { ...drift })
      this.#alert([driftAlert(this.#settings.host, Date.now(), drift)])
      onStatus()
    })
    this.#domains.on('health', () => {
      this.#follow()
      onStatus()
    })
    this.#domains.on('attempted', (id) => {
      this.#attempted.add(id)
      void this.#flows.request()
      onStatus()
    })
    this.#flows.on('synced', () => {
      this.#drainer.flowsChanged()
      onStatus()
    })
    this.#flows.on('outage', (event) => this.#outage(event, this.#inForce.entries.get(event.key)))
    this.taps.on('outage', (event, entry) => this.#outage(event, entry))
    this.taps.on('changed', onStatus)
    ports.onChange(() => {
      this.#begin()
      this.#follow()
      this.#domains.recheckAll()
      if (this.#cleaned !== null) this.taps.reconcile()
      onStatus()
    })
    snapshots.on('snapshot', (snapshot) => void this.#take(snapshot))
    snapshots.on('refused', (reason) => {
      this.#snapshotProblem = reason
      if (reason !== null) log('snapshot not taken', { reason })
      onStatus()
    })
    ports.onRestart(() => {
      log('the switch was restarted', {})
      void this.#flows.request().then(() => steering.reconcile().catch(() => {}))
    })
    ports.start()
    await snapshots.start()
    this.taps.start()
    this.#loops = [
      this.#startSteering(),
      this.#every(pauseOf(RESYNC_MS), () => this.#resync()),
      this.#every(
        (signal) => this.#drainer.pause(signal),
        () => this.#drain(),
      ),
      this.#every(pauseOf(COUNTERS_MS), () => this.#readCounters()),
    ]
  }

  /** Ends and leaves flows, domains and workers as they are. */
  async stop(): Promise<void> {
    await this.#halt()
    await this.taps.release()
    await this.#domains.release()
    await this.#parts.steering.stop()
    this.#parts.ports.stop()
  }

  /** Ends and removes everything that this instance has on the machine: flows first. */
  async tearDown(): Promise<void> {
    await this.#halt()
    await this.#parts.steering.clear()
    await this.taps.release()
    await this.taps.removeAll()
    await this.#domains.removeAll()
    await this.#inForce.update((entries) => entries.clear())
    await this.#parts.steering.stop()
    this.#parts.ports.stop()
  }

  status(): HostStatus {
    const { host, version } = this.#settings
    const { snapshots, ports } = this.#parts
    const now = Date.now()
    const status = hostStatus({
      host,
      version,
      now,
      snapshot: snapshots.snapshot,
      snapshotProblem: this.#snapshotProblem,
      reachedGeneration: this.#reachedGeneration(),
      plans: this.#currentPlans() ?? { taps: new Map(), domains: new Map(), refused: new Map() },
      inForce: this.#inForce.entries,
      switchConnected: ports.isTrusted,
      switchPorts: ports.ports,
      flows: this.#flows.realized,
      flowsProblem: this.#flows.problem,
      counters: this.#counters,
      domains: this.#domains.views(),
      taps: this.taps.views(),
      bypassedMs: (key) => this.#flows.bypassedMs(key, now),
      driftRepaired: this.#drift,
    })
    this.#reached = { epoch: status.epoch, generation: status.generation }
    return status
  }

  async #startSteering(): Promise<void> {
    const { steering, log } = this.#parts
    this.#isSteering = await startSteering(steering, this.#ended.signal, log)
    if (this.#isSteering) void this.#flows.request()
  }

  async #halt(): Promise<void> {
    this.#ended.abort()
    this.#parts.snapshots.stop()
    await Promise.all(this.#loops)
    await this.#flows.stop()
  }

  #currentPlans(): DomainPlans | null {
    const { snapshot } = this.#parts.snapshots
    if (snapshot === null) return null
    this.#plans ??= planDomains(snapshot, this.#inForce.entries, {
      host: this.#settings.host,
      workers: this.#settings.workers,
    })
    return this.#plans
  }

  /** Null until nothing of an earlier run can be lost by acting. */
  #steeringPlan(): ReturnType<typeof planSteering> | null {
    const { snapshots, ports } = this.#parts
    const plans = this.#currentPlans()
    if (!this.#isSteering || snapshots.snapshot === null || plans === null) return null
    if (!ports.isTrusted) return null
    if (!this.#isReady) {
      if ([...plans.domains.keys()].some((id) => !this.#attempted.has(id))) return null
      if (this.#cleaned === null) return null
      this.#isReady = true
    }
    const { generation } = snapshots.snapshot
    return planSteering(generation, this.#inForce.entries, ports.ports, this.#domains.forFlows())
  }

  async #take(snapshot: HostSnapshot): Promise<void> {
    const { epoch, generation, attachments } = snapshot
    this.#parts.log('snapshot taken', { epoch, generation, attachments: attachments.length })
    this.#plans = null
    await this.#markDetached()
    this.#begin()
    if (this.#cleaned !== null) this.#reconcileAll()
    void this.#flows.request()
    this.#parts.onStatus()
  }

  /** Once snapshot and switch are known: first clean up after a crashed run, then domains. */
  #begin(): void {
    if (this.#cleaned !== null || !this.#parts.ports.isTrusted) return
    if (this.#parts.snapshots.snapshot === null) return
    const { log } = this.#parts
    this.#cleaned = this.#domains
      .removeLeftovers()
      .catch((error: unknown) => log('leftovers stay', { reason: (error as Error).message }))
      .then(() => {
        this.#reconcileAll()
        void this.#flows.request()
      })
  }

  #reconcileAll(): void {
    this.#domains.reconcileAll()
    this.taps.reconcile()
  }

  async #configured(plan: DomainPlan): Promise<void> {
    this.#plans = null
    const wanted = this.#wantedKeys()
    await this.#inForce.update((entries) => {
      for (const [key, entry] of plan.attachments)
        if (entry.detachedAt === null && wanted.has(key)) entries.set(key, entry)
    })
    this.#plans = null
  }

  #wantedKeys(): Set<string> {
    const attachments = this.#parts.snapshots.snapshot?.attachments ?? []
    const inline = attachments.filter(({ mode }) => mode !== 'tap')
    return new Set(inline.map(({ tenant, id }) => scopedKey(tenant, id)))
  }

  /** Notes which attachments in force the snapshot no longer has. */
  async #markDetached(): Promise<void> {
    const wanted = this.#wantedKeys()
    const gone = [...this.#inForce.entries]
      .filter(([key, entry]) => entry.detachedAt === null && !wanted.has(key))
      .map(([key]) => key)
    if (gone.length === 0) return
    const detachedAt = Date.now()
    this.#plans = null
    await this.#inForce.update((entries) => {
      for (const key of gone) {
        const entry = entries.get(key)
        if (entry !== undefined) entries.set(key, { ...entry, detachedAt })
      }
    })
    this.#plans = null
  }

  async #drain(): Promise<void> {
    const finished = await this.#drainer.step()
    if (finished.length === 0) return
    // Flows first; the workers' configuration follows, or the domain goes with its last attachment.
    this.#plans = null
    this.#parts.onStatus()
    await this.#flows.request()
    this.#domains.reconcileAll()
    this.#parts.log('detached', { attachments: finished })
  }

  async #resync(): Promise<void> {
    if (this.isReady) await this.#parts.steering.reconcile()
    this.#domains.recheckAll()
    void this.#flows.request()
    const { snapshot } = this.#parts.snapshots
    if (snapshot === null) return
    const used = new Set(Object.values(snapshot.ruleSets).map(({ sha256 }) => sha256))
    for (const plan of this.#currentPlans()?.domains.values() ?? [])
      for (const sha256 of plan.bundles) used.add(sha256)
    await this.#parts.rules.prune(used)
  }

  async #readCounters(): Promise<void> {
    if (!this.#isReady) return
    this.#counters = await this.#parts.steering.counters()
  }

  #outage(event: BypassEvent, entry: InForceAttachment | undefined): void {
    this.#parts.log(event.kind === 'began' ? 'inspection lost' : 'inspection is back', { ...event })
    if (entry !== undefined) this.#alert([outageAlert(this.#settings.host, event, entry)])
    this.#parts.onStatus()
  }

  /** A failure is reported and repaired by the attempt that comes with it. */
  #follow(): void {
    this.#flows.follow().catch(() => {})
  }

  #alert(records: Parameters<AlertSpool['append']>[0]): void {
    this.#parts.alerts
      .append(records)
      .catch((error: unknown) =>
        this.#parts.log('alert not spooled', { reason: (error as Error).message }),
      )
  }

  #reachedGeneration(): number {
    const { snapshot } = this.#parts.snapshots
    return snapshot?.epoch === this.#reached.epoch ? this.#reached.generation : 0
  }

  #every(pause: (signal: AbortSignal) => Promise<void>, step: () => Promise<void>): Promise<void> {
    return periodically(this.#ended.signal, pause, step, (error) =>
      this.#parts.log('a periodic step failed', { reason: (error as Error).message }),
    )
  }
}
