import { readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { isDeepStrictEqual } from 'node:util'
import type { TapConfig, TapStatus } from '#chain/model/tap.ts'
import type { RunCommand } from '../domain/command.ts'
import {
  type ProcessFolders,
  type ProcessRecord,
  boundLog,
  isAlive,
  killNamespace,
  lastWords,
  recordedProcess,
} from '../domain/confined-process.ts'
import { DomainError } from '../domain/errors.ts'
import type { DomainNames } from '../domain/names.ts'
import { removeNamespace } from '../domain/namespace.ts'
import type { OwnPort, SwitchLocation } from '../domain/switch-port.ts'
import { ArrivalWatch } from './arrival-watch.ts'
import { type Mirror, type PortCounts, ensureMirror, isWhole, removeMirror } from './mirror.ts'
import { buildTapNamespace } from './tap-namespace.ts'
import { readTapStatus, startTap } from './tap-process.ts'

/** Rules are compiled before a tap looks at anything. */
const START_TIMEOUT_MS = 120_000
const START_POLL_MS = 50
/** A tap that has told nothing for so long is hung. */
export const HUNG_AFTER_MS = 10_000
/** A tap that lived so long did not die of its start. */
const STABLE_MS = 60_000
/** Time that the switch takes to look at what it has cached again. */
const REVALIDATION_MS = 1_500
const FIRST_PAUSE_MS = 500
const MAX_PAUSE_MS = 30_000

/** What the switch tells of a tap. */
export interface MirrorCounts {
  /** Null: there is none. */
  readonly mirror: Mirror | null
  /** What went through the guest's port and the one that gets the copies; null: not known. */
  readonly guest: PortCounts | null
  readonly copies: PortCounts | null
}

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
  readonly folders: ProcessFolders
  readonly location: SwitchLocation
  readonly mtu: number
  readonly run: RunCommand
  readonly log: (message: string, fields: Record<string, unknown>) => void
}

/**
 * One mirrored port: a namespace with the end that copies come to, tcpdump and the process that reads it, and in the
 * switch the other end and the mirror. It survives the agent: `reconcile` takes over what an earlier one left, and
 * builds anew what is broken. The mirror comes last and goes first.
 */
export class Tap {
  readonly #settings: TapSettings
  #process: ProcessRecord | null = null
  #startedAt = 0
  #pauseMs = FIRST_PAUSE_MS
  #isKnown = false
  #status: TapStatus | null = null
  #work: TapWork | null = null
  #copies: PortCounts | null = null
  #mirroring = new ArrivalWatch()
  /** The switch does not mirror. */
  #isBlind = false
  #capturing = new ArrivalWatch()
  /** The process gets nothing of what the switch mirrors. */
  #isDeaf = false

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

  /** What the switch copied, as last told. */
  get copies(): PortCounts | null {
    return this.#copies
  }

  /** Brings about what is wanted. @throws DomainError with the reason why it is not so */
  async reconcile(work: TapWork): Promise<void> {
    const { run, location } = this.#settings
    this.#work = work
    if (!this.#isKnown) await this.#adopt()
    if (!(await this.#isRunning(work))) await this.#restart(work)
    if (this.#isBlind) {
      await this.unmirror()
      await this.#pause()
    }
    const isNew = await ensureMirror(run, location, this.#port(work), work.guestPort)
    if (!isNew) return
    this.#forget()
    // Until then packets of flows that the switch has cached are not mirrored.
    await delay(REVALIDATION_MS)
  }

  /** Looks at what it tells, and at what the switch does. @returns why it is no tap any more; null: it is one */
  async check({ mirror, guest, copies }: MirrorCounts): Promise<string | null> {
    if (this.#process === null) return 'the tap has not begun'
    this.#status = isAlive(this.#process) ? await readTapStatus(this.#settings.folders) : null
    this.#copies = copies
    await boundLog(this.#settings.folders).catch(() => {})
    const status = this.#status
    if (status?.state !== 'running' || isStale(status)) return status?.reason ?? 'the tap has ended'
    if (mirror === null || !isWhole(mirror)) return 'the mirror is gone from the switch'
    return guest === null || copies === null ? null : this.#watch(status, guest, copies)
  }

  #watch(status: TapStatus, guest: PortCounts, copies: PortCounts): string | null {
    const isMirrored = this.#mirroring.observe(guest.packets, copies.sentPackets)
    // Of what a filter leaves out nothing arrives.
    const isCaptured =
      this.#work?.filter === ''
        ? this.#capturing.observe(copies.sentPackets, status.packets + status.dropped)
        : isMirrored
    this.#isBlind = isMirrored === false
    this.#isDeaf = isCaptured === false && !this.#isBlind
    const isStable = Date.now() - this.#startedAt > STABLE_MS
    if (isMirrored === true && isCaptured === true && isStable) this.#pauseMs = FIRST_PAUSE_MS
    if (this.#isBlind) return 'the switch does not mirror what goes through the port'
    return this.#isDeaf ? 'the capture gets nothing of what is mirrored' : null
  }

  /** Takes the mirror away: the guest's port is not there, or nobody is to look. */
  async unmirror(): Promise<void> {
    const { run, location, names } = this.#settings
    await removeMirror(run, location, { name: names.portName, instance: names.instance })
    this.#forget()
  }

  /** Spooled alerts stay for the shipper. */
  async remove(): Promise<void> {
    const { run, names, folders } = this.#settings
    await this.unmirror()
    await this.#end()
    await removeNamespace(run, names)
    await rm(folders.run, { recursive: true, force: true })
  }

  async #adopt(): Promise<void> {
    this.#process = await recordedProcess(this.#settings.folders)
    this.#isKnown = true
    if (this.#process === null) return
    this.#startedAt = Date.now()
    this.#settings.log('tap adopted', { pid: this.#process.pid })
  }

  async #isRunning({ config, filter }: TapWork): Promise<boolean> {
    if (this.#process === null || this.#isDeaf || !isAlive(this.#process)) return false
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
    await this.unmirror()
    await this.#end()
    await buildTapNamespace(run, names, mtu)
    if (wasOurs && livedMs < STABLE_MS) await this.#pause()
    else this.#pauseMs = FIRST_PAUSE_MS
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
        throw new DomainError('SUPERVISOR_DIED', `the tap does not start: ${reason}`)
      if (Date.now() > deadline) throw new DomainError('CONTROL_TIMEOUT', 'the tap does not start')
    }
  }

  #port({ config }: TapWork): OwnPort {
    const { portName: name, instance } = this.#settings.names
    const { tenant, id } = config.attachment
    return { name, instance, domain: `tap ${tenant}/${id}` }
  }

  /** Another mirror, and another capture, are watched from their beginning. */
  #forget(): void {
    this.#copies = null
    this.#mirroring = new ArrivalWatch()
    this.#isBlind = false
    this.#capturing = new ArrivalWatch()
    this.#isDeaf = false
  }

  /** What fails again and again is tried ever more slowly. */
  async #pause(): Promise<void> {
    await delay(this.#pauseMs)
    this.#pauseMs = Math.min(this.#pauseMs * 2, MAX_PAUSE_MS)
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
