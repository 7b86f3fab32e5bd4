import { EventEmitter } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { SupervisorStatus } from '#chain/model/domain.ts'
import type { RunCommand } from '../domain/command.ts'
import { DomainError } from '../domain/errors.ts'
import { InspectionDomain } from '../domain/inspection-domain.ts'
import { removeLeftovers } from '../domain/leftovers.ts'
import { type DomainKey, type DomainNames, domainNames } from '../domain/names.ts'
import type { SwitchLocation } from '../domain/switch-port.ts'
import { SPOOL_OWNER_SUFFIX } from './shipper.ts'
import { KeyedQueue } from './keyed-queue.ts'
import type { DomainPlan } from './plan-domains.ts'
import type { DomainForFlows } from './plan-steering.ts'

/** Time for workers to load a configuration and listen before the attempt counts as failed. */
const LISTEN_TIMEOUT_MS = 60_000
const LISTEN_POLL_MS = 10

export interface DomainSetSettings {
  readonly instance: string
  readonly location: SwitchLocation
  /** Parent of the domains' run folders, of their spools, the rule cache, and the checkout. */
  readonly runFolder: string
  readonly spoolFolder: string
  readonly rulesFolder: string
  readonly appFolder: string
  readonly supervisor: readonly string[]
  readonly mtu: number
  readonly run: RunCommand
  /** Names that belong to no domain and are no leftovers. */
  readonly otherNames: () => readonly DomainNames[]
  /** Whether the bridge has a port of that name, as last heard. */
  readonly hasPort: (name: string) => boolean
  /** Makes sure that a bundle is unpacked. */
  readonly ensureBundle: (sha256: string) => Promise<void>
  /** Puts what the workers have taken in force; resolves when it is on disk. */
  readonly onConfigured: (plan: DomainPlan) => Promise<void>
  /** Resolves when the flows follow `onFailure` where no supervisor answers. */
  readonly onLost: () => Promise<void>
  readonly log: (message: string, fields: Record<string, unknown>) => void
}

export interface DomainView {
  readonly id: string
  readonly key: DomainKey
  readonly namespace: string
  readonly status: SupervisorStatus | null
  readonly supervisorRestarts: number
  /** Why the domain does not do what is wanted of it; null when it does. */
  readonly problem: string | null
}

interface Member {
  readonly key: DomainKey
  readonly names: DomainNames
  readonly domain: InspectionDomain
  problem: string | null
}

interface DomainSetEvents {
  /** Somewhere workers began or ceased to listen, or a supervisor came or went. */
  health: []
  /** An attempt at a domain has ended, well or not. */
  attempted: [id: string]
}

/**
 * The inspection domains of this host. `wanted` is asked anew at every attempt: a domain that is in it
 * is built or adopted and given its configuration, one that is not is removed. In this order for each:
 * rule sets unpacked, namespace and supervisor up, configuration taken, workers listening, and only
 * then `onConfigured`, after which there may be flows.
 */
export class DomainSet extends EventEmitter<DomainSetEvents> {
  readonly #settings: DomainSetSettings
  readonly #wanted: () => ReadonlyMap<string, DomainPlan>
  readonly #members = new Map<string, Member>()
  readonly #queue: KeyedQueue

  constructor(settings: DomainSetSettings, wanted: () => ReadonlyMap<string, DomainPlan>) {
    super()
    this.#settings = settings
    this.#wanted = wanted
    this.#queue = new KeyedQueue(
      (id) => this.#work(id),
      (id, error, retryMs) => {
        const reason = (error as Error).message
        settings.log('domain not as wanted', { domain: id, reason, retryMs })
        const member = this.#members.get(id)
        if (member !== undefined) member.problem = reason
        this.emit('attempted', id)
      },
    )
  }

  /** Removes what runs of this instance left behind, except the domains that are wanted. */
  async removeLeftovers(): Promise<void> {
    const { run, location, instance, runFolder, log, otherNames } = this.#settings
    const own = [...this.#wanted().values()].map((plan) => domainNames(instance, plan.key))
    const names = [...own, ...otherNames()]
    const removed = await removeLeftovers(run, location, instance, runFolder, names)
    if (removed.length > 0) log('leftovers removed', { removed })
  }

  /** What is wanted has changed: every domain, of now and of before, is looked at. */
  reconcileAll(): void {
    for (const id of new Set([...this.#wanted().keys(), ...this.#members.keys()]))
      this.#queue.addNow(id)
  }

  /** Looks at every domain again, without cutting short the pause after a failure. */
  recheckAll(): void {
    for (const id of new Set([...this.#wanted().keys(), ...this.#members.keys()]))
      this.#queue.add(id)
  }

  /** For the flows: the domains that have been started. By domain id. */
  forFlows(): Map<string, DomainForFlows> {
    const domains = new Map<string, DomainForFlows>()
    for (const [id, { names, domain }] of this.#members) {
      const { portName, mac } = names
      const isInspecting = (domain.health.status?.listening ?? 0) > 0
      domains.set(id, { portName, mac, isInspecting })
    }
    return domains
  }

  views(): DomainView[] {
    return [...this.#members].map(([id, { key, names, domain, problem }]) => ({
      id,
      key,
      namespace: names.namespace,
      status: domain.health.status,
      supervisorRestarts: domain.health.supervisorRestarts,
      problem: domain.health.problem ?? problem,
    }))
  }

  namespaceOf(id: string): string | null {
    return this.#members.get(id)?.names.namespace ?? null
  }

  /** Prometheus text of every supervisor, by domain id. */
  async metrics(timeoutMs: number): Promise<Map<string, string>> {
    const texts = [...this.#members].map(
      async ([id, { domain }]) => [id, await domain.metrics(timeoutMs)] as const,
    )
    return new Map(await Promise.all(texts))
  }

  /** Leaves every domain running and lets go of it. */
  async release(): Promise<void> {
    for (const { domain } of this.#members.values()) domain.release()
    await this.#queue.stop()
  }

  /** Removes every domain of this instance. The flows must be gone. */
  async removeAll(): Promise<void> {
    const { run, location, instance, runFolder } = this.#settings
    await Promise.all([...this.#members.values()].map(({ domain }) => domain.remove(0)))
    await this.#queue.stop()
    this.#members.clear()
    await removeLeftovers(run, location, instance, runFolder, [])
  }

  async #work(id: string): Promise<void> {
    const plan = this.#wanted().get(id)
    if (plan === undefined) {
      const member = this.#members.get(id)
      if (member !== undefined) {
        await member.domain.remove(0)
        this.#members.delete(id)
        this.#settings.log('domain removed', { domain: id })
        this.emit('health')
      }
      return
    }
    const member = this.#member(plan)
    const spool = join(this.#settings.spoolFolder, member.names.folder)
    await writeFile(spool + SPOOL_OWNER_SUFFIX, plan.key.tenant)
    for (const sha256 of plan.bundles) await this.#settings.ensureBundle(sha256)
    await member.domain.bringUp()
    const generation = await member.domain.apply(plan.content)
    await waitForWorkers(member.domain, generation)
    member.problem = null
    await this.#settings.onConfigured(plan)
    this.emit('attempted', id)
  }

  #member(plan: DomainPlan): Member {
    const known = this.#members.get(plan.id)
    if (known !== undefined) return known
    const { instance, location, run, log } = this.#settings
    const { runFolder, spoolFolder, rulesFolder, appFolder } = this.#settings
    const { supervisor, mtu, hasPort, onLost } = this.#settings
    const names = domainNames(instance, plan.key)
    for (const [id, other] of this.#members)
      if (other.names.portName === names.portName)
        throw new DomainError('NAME_COLLISION', `${plan.id} and ${id} derive the same name`)
    const domain = new InspectionDomain({
      domain: plan.id,
      names,
      location,
      mtu,
      supervisor,
      run,
      hasPort,
      folders: {
        run: join(runFolder, names.folder),
        spool: join(spoolFolder, names.folder),
        rules: rulesFolder,
        app: appFolder,
      },
      onChange: () => this.emit('health'),
      onLost,
      log: (message, fields) => log(message, { domain: plan.id, ...fields }),
    })
    const member = { key: plan.key, names, domain, problem: null }
    this.#members.set(plan.id, member)
    return member
  }
}

/** Resolves when workers listen and all that do run the configuration. */
async function waitForWorkers(domain: InspectionDomain, generation: number): Promise<void> {
  const deadline = Date.now() + LISTEN_TIMEOUT_MS
  for (;;) {
    const { status, problem } = domain.health
    if (status !== null && status.generation === generation && status.listening > 0) return
    if (status?.refused?.generation === generation)
      throw new DomainError('CONFIG_REFUSED', status.refused.reason)
    if (Date.now() > deadline) {
      const why = problem ?? `${status?.listening ?? 0} of ${status?.wanted ?? 0} workers listen`
      throw new DomainError('CONTROL_TIMEOUT', `no worker has taken the configuration: ${why}`)
    }
    await delay(LISTEN_POLL_MS)
  }
}
