import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { isDeepStrictEqual } from 'node:util'
import { Value } from 'typebox/value'
import { DomainConfig, type SupervisorStatus } from '#chain/model/domain.ts'
import type { RunCommand } from './command.ts'
import {
  type ProcessFolders,
  type ProcessRecord,
  boundLog,
  isAlive,
  killNamespace,
  lastWords,
  recordedProcess,
} from './confined-process.ts'
import { ControlClient } from './control-client.ts'
import { type DomainContent, numberConfig } from './domain-config.ts'
import { readIfPresent, writeDurably } from './durable-file.ts'
import { DomainError } from './errors.ts'
import type { DomainNames } from './names.ts'
import { createNamespace, inNamespace, removeNamespace } from './namespace.ts'
import { controlSocketPath, startSupervisor } from './supervisor-process.ts'
import {
  type SwitchLocation,
  addSwitchPort,
  hasKernelDatapath,
  removeSwitchPorts,
} from './switch-port.ts'

export const PING_INTERVAL_MS = 1000
/** A supervisor that has answered nothing for so long is hung. */
export const HUNG_AFTER_MS = 5000
const PING_TIMEOUT_MS = HUNG_AFTER_MS - PING_INTERVAL_MS
const START_TIMEOUT_MS = 20_000
const START_POLL_MS = 20
/** Workers load and compile rules before the supervisor answers. */
const APPLY_TIMEOUT_MS = 120_000
const RESTART_MIN_MS = 200
const RESTART_MAX_MS = 30_000
/** A supervisor that lived so long is not in a crash loop. */
const RESTART_RESET_MS = 60_000
const STOP_GRACE_MS = 2000
/** A switch that does not answer must not keep inspection away. */
const MAX_FLOWS_WAIT_MS = 5000

/** Where frames for the domain go. */
export interface DomainEndpoint {
  readonly portName: string
  readonly ofport: number
  readonly mac: string
}

export interface DomainHealth {
  /** Null while no supervisor answers. */
  readonly status: SupervisorStatus | null
  /** Why there is none, or why the last configuration was not taken; null when all is well. */
  readonly problem: string | null
  /** Times the supervisor was started again. */
  readonly supervisorRestarts: number
}

export interface DomainSettings {
  readonly domain: string
  readonly names: DomainNames
  readonly folders: ProcessFolders
  readonly location: SwitchLocation
  readonly mtu: number
  /** Script and arguments of the supervisor, paths as it sees them. */
  readonly supervisor: readonly string[]
  readonly run: RunCommand
  /** Whether the bridge has the domain's port, as last heard. */
  readonly hasPort: (portName: string) => boolean
  /** Called at once whenever `health` has changed. */
  readonly onChange: () => void
  /**
   * Asked after a supervisor was lost: resolves when new connections no longer come here. Another one
   * is started only then: its socket takes connections long before its workers do.
   */
  readonly onLost: () => Promise<void>
  readonly log: (message: string, fields: Record<string, unknown>) => void
}

/**
 * One inspection domain of this host: namespace, port in the bridge, supervisor. It survives the agent:
 * `bringUp` takes over what an earlier agent left running and builds anew what is broken. While it is
 * up it watches the supervisor (control socket, pings) and starts it again, with growing pauses, when
 * it died or hangs; in between `health.status` is null and the flows are the caller's business.
 */
export class InspectionDomain {
  readonly #settings: DomainSettings
  #endpoint: DomainEndpoint | null = null
  #client: ControlClient | null = null
  #process: ProcessRecord | null = null
  #config: DomainConfig | null = null
  #status: SupervisorStatus | null = null
  #problem: string | null = null
  #restarts = 0
  #restartPauseMs = RESTART_MIN_MS
  #startedAt = 0
  #ended = new AbortController()
  /** Life-cycle steps run one after the other. */
  #queue: Promise<unknown> = Promise.resolve()

  constructor(settings: DomainSettings) {
    this.#settings = settings
  }

  get endpoint(): DomainEndpoint | null {
    return this.#endpoint
  }

  get health(): DomainHealth {
    return {
      status: this.#status,
      problem: this.#problem,
      supervisorRestarts: this.#restarts,
    }
  }

  /** Configuration that was last given to the supervisor, by this agent or an earlier one. */
  get config(): DomainConfig | null {
    return this.#config
  }

  /** Builds or adopts; repairs the port in the bridge where it is gone. May be called again any time. */
  bringUp(): Promise<DomainEndpoint> {
    return this.#inTurn(async () => {
      if (this.#endpoint === null) {
        const adopted = await this.#adopt()
        if (!adopted) await this.#build()
        void this.#ping()
      }
      if (this.#endpoint === null || !this.#settings.hasPort(this.#endpoint.portName))
        this.#endpoint = await this.#addPort()
      return this.#endpoint
    })
  }

  /**
   * Gives the supervisor its configuration and waits for the answer. A refused one leaves the workers
   * as they are; `health.problem` says why.
   *
   * @returns the generation under which the content runs
   * @throws DomainError `CONFIG_REFUSED`, `CONTROL_*`
   */
  apply(content: DomainContent): Promise<number> {
    return this.#inTurn(async () => {
      const config = numberConfig(this.#config, content)
      if (config.generation !== this.#config?.generation) {
        this.#config = config
        await writeDurably(this.#file('config.json'), JSON.stringify(config))
      }
      await this.#send()
      return config.generation
    })
  }

  /** Prometheus text, or empty when no supervisor answers. */
  async metrics(timeoutMs: number): Promise<string> {
    return (await this.#client?.metrics(timeoutMs).catch(() => '')) ?? ''
  }

  /** Leaves everything running and lets go of it. */
  release(): void {
    this.#ended.abort()
    this.#client?.close()
    this.#client = null
  }

  /**
   * Ends the workers, after `drainMs` at most for the connections they have, and removes the port, the
   * namespace and the run folder. The flows must be gone. Spooled alerts stay for the shipper.
   */
  async remove(drainMs: number): Promise<void> {
    this.#ended.abort()
    await this.#inTurn(async () => {
      const { run, names, location, folders } = this.#settings
      if (this.#client !== null && this.#process !== null) {
        await this.#client.stop(drainMs, drainMs + STOP_GRACE_MS).catch(() => {})
        const deadline = Date.now() + drainMs + STOP_GRACE_MS
        while (isAlive(this.#process) && Date.now() < deadline) await delay(START_POLL_MS)
        this.#client?.close()
      }
      await killNamespace(run, names.namespace)
      await removeSwitchPorts(run, location, [names.portName])
      await removeNamespace(run, names)
      await rm(folders.run, { recursive: true, force: true })
      this.#endpoint = null
      this.#client = null
    })
  }

  async #adopt(): Promise<boolean> {
    const { run, names, folders, log } = this.#settings
    const record = await recordedProcess(folders)
    if (record === null) return false
    try {
      const query = ['ip', '-json', 'link', 'show', 'dev', 'eth0'] as const
      const output = await run([...inNamespace(names.namespace), ...query])
      const [link] = JSON.parse(output) as { address?: string }[]
      if (link?.address !== names.mac) return false
      await this.#connect()
      this.#status = (await this.#client?.status(PING_TIMEOUT_MS)) ?? null
    } catch (error) {
      log('a domain of an earlier run cannot be adopted', { reason: (error as Error).message })
      this.#client?.close()
      this.#client = null
      return false
    }
    this.#config = await this.#storedConfig()
    this.#process = record
    this.#startedAt = Date.now()
    log('domain adopted', { pid: record.pid, generation: this.#status?.generation })
    this.#settings.onChange()
    return true
  }

  async #build(): Promise<void> {
    const { run, names, location, folders, mtu, log } = this.#settings
    await killNamespace(run, names.namespace)
    await removeSwitchPorts(run, location, [names.portName])
    await removeNamespace(run, names)
    await rm(folders.run, { recursive: true, force: true })
    const checksumOffload = await hasKernelDatapath(run, location)
    await createNamespace(run, names, { mtu, checksumOffload })
    await this.#start()
    log('domain built', { namespace: names.namespace, port: names.portName })
  }

  async #addPort(): Promise<DomainEndpoint> {
    const { run, names, location, domain } = this.#settings
    const { portName, instance, mac } = names
    const ofport = await addSwitchPort(run, location, { name: portName, instance, domain })
    return { portName, ofport, mac }
  }

  async #start(): Promise<void> {
    const { folders, names, supervisor } = this.#settings
    this.#process = await startSupervisor(names.namespace, folders, supervisor)
    this.#startedAt = Date.now()
    const deadline = this.#startedAt + START_TIMEOUT_MS
    for (;;) {
      await delay(START_POLL_MS)
      if (this.#ended.signal.aborted) throw new DomainError('CONTROL_CLOSED', 'not wanted any more')
      if (!isAlive(this.#process))
        throw new DomainError('SUPERVISOR_DIED', `the supervisor: ${await lastWords(folders)}`)
      try {
        await this.#connect()
        this.#setStatus((await this.#client?.status(PING_TIMEOUT_MS)) ?? null, null)
        return
      } catch (error) {
        if (Date.now() > deadline) throw error
      }
    }
  }

  async #connect(): Promise<void> {
    const client = await ControlClient.connect(controlSocketPath(this.#settings.folders), {
      status: (status) => {
        if (this.#client === client) this.#setStatus(status, this.#problem)
      },
      closed: (reason) => {
        if (this.#client === client) this.#lost(reason)
      },
    })
    this.#client = client
  }

  async #send(): Promise<void> {
    const config = this.#config
    if (this.#client === null || config === null)
      throw new DomainError('CONTROL_CLOSED', this.#problem ?? 'no supervisor runs')
    if (this.#status?.generation === config.generation && this.#problem === null) return
    try {
      this.#setStatus(await this.#client.apply(config, APPLY_TIMEOUT_MS), null)
    } catch (error) {
      if (error instanceof DomainError && error.code === 'CONFIG_REFUSED')
        this.#setStatus(this.#status, error.message)
      throw error
    }
  }

  #setStatus(status: SupervisorStatus | null, problem: string | null): void {
    const isSame =
      problem === this.#problem && isDeepStrictEqual(essence(status), essence(this.#status))
    this.#status = status
    this.#problem = problem
    if (!isSame && !this.#ended.signal.aborted) this.#settings.onChange()
  }

  /** No supervisor answers: tell first, so that flows change, then end what is left and start again. */
  #lost(reason: string): void {
    this.#client?.close()
    this.#client = null
    if (this.#ended.signal.aborted) return
    if (this.#problem !== reason) this.#settings.log('supervisor lost', { reason })
    this.#setStatus(null, reason)
    void this.#inTurn(() => this.#restart()).catch((error: unknown) => {
      if (!this.#ended.signal.aborted) this.#lost((error as Error).message)
    })
  }

  async #restart(): Promise<void> {
    const { run, names, onLost, log } = this.#settings
    const { signal } = this.#ended
    if (signal.aborted || this.#client !== null) return
    if (Date.now() - this.#startedAt > RESTART_RESET_MS) this.#restartPauseMs = RESTART_MIN_MS
    await killNamespace(run, names.namespace)
    const pause = delay(this.#restartPauseMs, undefined, { signal }).catch(() => {})
    const flows = Promise.race([onLost(), delay(MAX_FLOWS_WAIT_MS, undefined, { signal })])
    await Promise.all([pause, flows.catch(() => {})])
    if (signal.aborted) return
    this.#restartPauseMs = Math.min(this.#restartPauseMs * 2, RESTART_MAX_MS)
    this.#restarts++
    await this.#start()
    log('supervisor started again', { restarts: this.#restarts })
    if (this.#config === null || signal.aborted) return
    // Workers may load for long; who removes the domain meanwhile does not wait for them.
    const ended = new Promise((resolve) =>
      signal.addEventListener('abort', resolve, { once: true }),
    )
    const sent = this.#send()
    sent.catch(() => {})
    await Promise.race([sent, ended])
  }

  async #ping(): Promise<void> {
    const { signal } = this.#ended
    while (!signal.aborted) {
      await delay(PING_INTERVAL_MS, undefined, { signal }).catch(() => {})
      const client = this.#client
      if (client === null || signal.aborted) continue
      try {
        const status = await client.status(PING_TIMEOUT_MS)
        if (this.#client === client) this.#setStatus(status, this.#problem)
      } catch (error) {
        if (this.#client === client && client.isOpen) this.#lost((error as Error).message)
      }
      await boundLog(this.#settings.folders).catch(() => {})
    }
  }

  async #storedConfig(): Promise<DomainConfig | null> {
    const text = await readIfPresent(this.#file('config.json')).catch(() => null)
    if (text === null) return null
    try {
      const value: unknown = JSON.parse(text)
      return Value.Check(DomainConfig, value) ? value : null
    } catch {
      return null
    }
  }

  #file(name: string): string {
    return join(this.#settings.folders.run, name)
  }

  #inTurn<T>(step: () => Promise<T>): Promise<T> {
    const turn = this.#queue.then(step, step)
    this.#queue = turn.catch(() => {})
    return turn
  }
}

/** What of a status is worth telling: connections come and go. */
const essence = (status: SupervisorStatus | null): unknown =>
  status === null ? null : { ...status, connections: 0 }
