import { readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { isDeepStrictEqual } from 'node:util'
import type { TapConfig, TapStatus } from '#chain/model/tap.ts'
import type { RunCommand } from '../domain/command.ts'
import { DomainError } from '../domain/errors.ts'
import type { DomainNames } from '../domain/names.ts'
import { removeNamespace } from '../domain/namespace.ts'
import {
  type ProcessRecord,
  type SupervisorFolders,
  isAlive,
  killNamespace,
  recordedSupervisor,
} from '../domain/supervisor-process.ts'
import {
  type SwitchLocation,
  addSwitchPort,
  listOwnSwitchPorts,
  removeSwitchPorts,
} from '../domain/switch-port.ts'
import { type Mirror, ensureMirror, listMirrors, removeMirrors } from './mirror.ts'
import { buildTapNamespace } from './tap-namespace.ts'
import { readTapStatus, startTap } from './tap-process.ts'

/** Rules are compiled before a tap looks at anything. */
const START_TIMEOUT_MS = 120_000
const START_POLL_MS = 50
/** A tap that has told nothing for so long is hung. */
export const HUNG_AFTER_MS = 10_000
/** A tap that lived so long did not die of its start. */
const STABLE_MS = 60_000
/** Time that the switch takes to give up what it had cached. */
const REVALIDATION_MS = 1_500
const FIRST_PAUSE_MS = 500
const MAX_PAUSE_MS = 30_000

/** What one tap is to do. */
export interface TapWork {
  readonly config: TapConfig
  /** pcap-filter expression; empty: everything. */
  readonly filter: string
  /** The guest's port in the switch. */
  readonly guestPort: string
}

export interface TapSettings {
  readonly names: DomainNames
  readonly folders: SupervisorFolders
  readonly location: SwitchLocation
  readonly mtu: number
  readonly run: RunCommand
  readonly log: (message: string, fields: Record<string, unknown>) => void
}

/**
 * One mirrored port: a namespace with the end that copies come to, the mirror in the switch, tcpdump and the
 * process that reads it. It survives the agent: `reconcile` takes over what an earlier one left, and builds anew
 * what is broken. The mirror comes last and goes first.
 */
export class Tap {
  readonly #settings: TapSettings
  #process: ProcessRecord | null = null
  #startedAt = 0
  #pauseMs = FIRST_PAUSE_MS
  #isKnown = false
  #status: TapStatus | null = null
  #mirror: Mirror | null = null

  constructor(settings: TapSettings) {
    this.#settings = settings
  }

  get names(): DomainNames {
    return this.#settings.names
  }

  /** As last told; null while none runs. */
  get status(): TapStatus | null {
    return this.#status
  }

  get mirror(): Mirror | null {
    return this.#mirror
  }

  /** Brings about what is wanted. @throws DomainError with the reason why it is not so */
  async reconcile(work: TapWork): Promise<void> {
    const { run, location, names } = this.#settings
    if (!this.#isKnown) await this.#adopt()
    if (!(await this.#isRunning(work))) await this.#restart(work)
    const ports = await listOwnSwitchPorts(run, location, names.instance)
    if (!ports.includes(names.portName)) await this.#addPort(work)
    const isNew = await ensureMirror(run, location, {
      name: names.portName,
      instance: names.instance,
      from: work.guestPort,
      to: names.portName,
    })
    // Until then packets of flows that the switch has cached are not mirrored.
    if (isNew) await delay(REVALIDATION_MS)
  }

  /** Reads what it tells. @returns false when it is to be started again */
  async check(): Promise<boolean> {
    const { folders, run, location, names } = this.#settings
    if (this.#process === null) return false
    this.#status = isAlive(this.#process) ? await readTapStatus(folders) : null
    const mirrors = await listMirrors(run, location, names.instance)
    this.#mirror = mirrors.find((mirror) => mirror.name === names.portName) ?? null
    return this.#mirror !== null && this.#status?.state === 'running' && !isStale(this.#status)
  }

  /** Takes the mirror away: the guest's port is not there, or nobody is to look. */
  async unmirror(): Promise<void> {
    const { run, location, names } = this.#settings
    await removeMirrors(run, location, names.instance, [names.portName])
    this.#mirror = null
  }

  /** Spooled alerts stay for the shipper. */
  async remove(): Promise<void> {
    const { run, location, names, folders } = this.#settings
    await this.unmirror()
    await this.#end()
    await removeSwitchPorts(run, location, [names.portName])
    await removeNamespace(run, names)
    await rm(folders.run, { recursive: true, force: true })
  }

  async #adopt(): Promise<void> {
    this.#process = await recordedSupervisor(this.#settings.folders.run)
    this.#isKnown = true
    if (this.#process === null) return
    this.#startedAt = Date.now()
    this.#settings.log('tap adopted', { pid: this.#process.pid })
  }

  async #isRunning({ config, filter }: TapWork): Promise<boolean> {
    if (this.#process === null || !isAlive(this.#process)) return false
    this.#status = await readTapStatus(this.#settings.folders)
    if (this.#status === null || this.#status.state !== 'running' || isStale(this.#status))
      return false
    const text = await readFile(this.#workFile, 'utf8').catch(() => 'null')
    return isDeepStrictEqual(JSON.parse(text), { config, filter })
  }

  async #restart(work: TapWork): Promise<void> {
    const { run, names, folders, log, mtu } = this.#settings
    const wasOurs = this.#process !== null
    const livedMs = Date.now() - this.#startedAt
    const why = this.#status?.reason
    await this.#end()
    await removeSwitchPorts(run, this.#settings.location, [names.portName])
    await buildTapNamespace(run, names, mtu)
    await this.#addPort(work)
    // One that dies again and again is started ever more slowly.
    if (wasOurs && livedMs < STABLE_MS) {
      await delay(this.#pauseMs)
      this.#pauseMs = Math.min(this.#pauseMs * 2, MAX_PAUSE_MS)
    } else this.#pauseMs = FIRST_PAUSE_MS
    this.#startedAt = Date.now()
    this.#process = await startTap(names.namespace, folders, work.config, work.filter)
    await writeFile(this.#workFile, JSON.stringify({ config: work.config, filter: work.filter }))
    await this.#started(this.#process)
    log('tap started', { pid: this.#process.pid, filter: work.filter, ...(why && { why }) })
  }

  async #started(record: ProcessRecord): Promise<void> {
    const { folders } = this.#settings
    for (const deadline = Date.now() + START_TIMEOUT_MS; ; await delay(START_POLL_MS)) {
      const status = await readTapStatus(folders)
      this.#status = status
      if (status?.state === 'running') return
      const reason = status?.reason ?? (await lastWords(folders))
      if (status?.state === 'failed' || !isAlive(record))
        throw new DomainError('SUPERVISOR_DIED', `the tap ended: ${reason}`)
      if (Date.now() > deadline) throw new DomainError('CONTROL_TIMEOUT', 'the tap does not start')
    }
  }

  async #addPort({ config }: TapWork): Promise<void> {
    const { run, location, names } = this.#settings
    const { portName, instance } = names
    const domain = `tap ${config.attachment.tenant}/${config.attachment.id}`
    await addSwitchPort(run, location, { name: portName, instance, domain })
  }

  async #end(): Promise<void> {
    this.#status = null
    await killNamespace(this.#settings.run, this.#settings.names.namespace)
  }

  get #workFile(): string {
    return join(this.#settings.folders.run, 'work.json')
  }
}

const isStale = ({ at }: TapStatus): boolean => Date.now() - at > HUNG_AFTER_MS

/** The end of a tap's log: why it did not come up. */
async function lastWords({ run }: SupervisorFolders): Promise<string> {
  const text = await readFile(join(run, 'tap.log'), 'utf8').catch(() => '')
  const lines = text.trim().split('\n').slice(-3).join(' | ').slice(-500)
  return lines === '' ? 'without a word' : lines
}
