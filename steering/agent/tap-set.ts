import { EventEmitter } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { parseMac } from '#steering/flows/address.ts'
import type { SwitchPort } from '#steering/ovsdb/switch-port.ts'
import { captureFilter } from '#steering/tap/filter.ts'
import { listMirrors, portCounts, removeMirror } from '#steering/tap/mirror.ts'
import { STATUS_FILE, VIEW_TAP } from '#steering/tap/tap-process.ts'
import { type MirrorCounts, Tap, type TapWork } from '#steering/tap/tap.ts'
import { type DomainNames, tapNames } from '../domain/names.ts'
import { VIEW_SPOOL } from '../domain/confined-process.ts'
import { type BypassEvent, BypassLedger } from './bypass-ledger.ts'
import type { DomainSetSettings } from './domain-set.ts'
import type { InForceAttachment } from './in-force.ts'
import { KeyedQueue } from './keyed-queue.ts'
import { periodically } from './periodically.ts'
import type { TapPlan } from './plan-domains.ts'
import { SPOOL_OWNER_SUFFIX } from './shipper.ts'

/** How often taps are looked at. */
const CHECK_MS = 2_000

/** A tap as the status tells it. */
export interface TapView {
  /** What is in force; null: nothing yet. */
  readonly entry: InForceAttachment | null
  readonly isRunning: boolean
  readonly problem: string | null
  /** Copied by the switch since the tap was started. */
  readonly packets: number
  readonly bytes: number
}

interface TapSetEvents {
  /** Some tap's view has changed. */
  changed: []
  /** A tap was out of work, or is back. */
  outage: [event: BypassEvent, entry: InForceAttachment]
}

interface Member {
  readonly tap: Tap
  entry: InForceAttachment | null
  /** Name of the port that is mirrored, while it is running. */
  guestPort: string
  isRunning: boolean
  problem: string | null
}

export interface TapSetSettings extends Pick<
  DomainSetSettings,
  | 'instance'
  | 'location'
  | 'runFolder'
  | 'spoolFolder'
  | 'rulesFolder'
  | 'appFolder'
  | 'mtu'
  | 'run'
  | 'ensureBundle'
  | 'log'
> {
  readonly host: string
  readonly ports: () => readonly SwitchPort[]
}

/**
 * The taps of this host, by `tenant/id` of their attachments. `wanted` is asked anew at every attempt; null while it
 * is not known. What fails is tried again with growing pauses, and told.
 */
export class TapSet extends EventEmitter<TapSetEvents> {
  readonly #settings: TapSetSettings
  readonly #wanted: () => ReadonlyMap<string, TapPlan> | null
  readonly #members = new Map<string, Member>()
  readonly #queue: KeyedQueue
  readonly #ledger = new BypassLedger()
  readonly #ended = new AbortController()
  #loop: Promise<void> = Promise.resolve()
  #areLeftoversGone = false

  constructor(settings: TapSetSettings, wanted: () => ReadonlyMap<string, TapPlan> | null) {
    super()
    this.#settings = settings
    this.#wanted = wanted
    this.#queue = new KeyedQueue(
      (key) => this.#work(key),
      (key, error, retryMs) => {
        const reason = (error as Error).message
        settings.log('tap not as wanted', { attachment: key, reason, retryMs })
        this.#say(key, false, reason)
      },
    )
  }

  start(): void {
    this.#loop = periodically(
      this.#ended.signal,
      (signal) => delay(CHECK_MS, undefined, { signal }).catch(() => {}),
      () => this.#checkAll(),
      (error) => this.#settings.log('taps not checked', { reason: (error as Error).message }),
    )
  }

  /** Names of what there is or is to be: no leftovers. */
  names(): DomainNames[] {
    const { instance } = this.#settings
    return [...(this.#wanted()?.values() ?? [])].map(({ entry: { attachment } }) =>
      tapNames(instance, attachment.tenant, attachment.id),
    )
  }

  /** What is wanted or which ports there are has changed. */
  reconcile(): void {
    const wanted = this.#wanted()
    if (wanted === null) return
    if (!this.#areLeftoversGone) void this.#removeLeftovers().catch(() => {})
    for (const key of new Set([...wanted.keys(), ...this.#members.keys()])) this.#queue.addNow(key)
  }

  views(): ReadonlyMap<string, TapView> {
    return new Map(
      [...this.#members].map(([key, { tap, entry, isRunning, problem }]) => [
        key,
        {
          entry,
          isRunning,
          problem,
          packets: tap.copies?.sentPackets ?? 0,
          bytes: tap.copies?.sentBytes ?? 0,
        },
      ]),
    )
  }

  /** Packets that nobody looked at, for want of room, by `tenant/id`. */
  dropped(): ReadonlyMap<string, number> {
    return new Map([...this.#members].map(([key, { tap }]) => [key, tap.status?.dropped ?? 0]))
  }

  /** Leaves every tap running and lets go of it. */
  async release(): Promise<void> {
    this.#ended.abort()
    await this.#loop
    await this.#queue.stop()
  }

  /** Removes every tap of this instance. After `release`. */
  async removeAll(): Promise<void> {
    for (const { tap } of this.#members.values()) await tap.remove()
    this.#members.clear()
    await this.#removeMirrorsBut(new Set())
  }

  async #work(key: string): Promise<void> {
    const plan = this.#wanted()?.get(key)
    if (plan === undefined) {
      const member = this.#members.get(key)
      if (member === undefined || this.#wanted() === null) return
      member.isRunning = false
      await member.tap.remove()
      this.#members.delete(key)
      this.#settings.log('tap removed', { attachment: key })
      this.emit('changed')
      return
    }
    const { spoolFolder, ensureBundle, ports } = this.#settings
    const member = this.#member(key, plan)
    const seen = ports().find((port) => port.interfaceId === plan.entry.port.interfaceId)
    if (seen === undefined) {
      await member.tap.unmirror()
      this.#say(key, false, null)
      return
    }
    const spool = join(spoolFolder, member.tap.names.folder)
    await writeFile(spool + SPOOL_OWNER_SUFFIX, plan.entry.attachment.tenant)
    for (const sha256 of plan.bundles) await ensureBundle(sha256)
    await member.tap.reconcile(this.#workOf(plan.entry, seen))
    const counts = await this.#counts([seen.name])
    await member.tap.check(counts(member.tap, seen.name))
    member.entry = plan.entry
    member.guestPort = seen.name
    this.#say(key, true, null)
  }

  #workOf(entry: InForceAttachment, seen: SwitchPort): TapWork {
    const { attachment, port, chain } = entry
    const mac = parseMac(seen.mac)
    if (mac === null) throw new Error(`the MAC address of port ${port.id} is not known`)
    const filter = captureFilter(attachment, mac)
    if (filter === null) throw new Error('a remote of its classifiers is no address or CIDR')
    const statusFile = `${VIEW_TAP}/${STATUS_FILE}`
    const { host } = this.#settings
    const config = { host, spoolFolder: VIEW_SPOOL, statusFile, attachment, port, chain }
    return { config, filter, guestPort: seen.name }
  }

  async #checkAll(): Promise<void> {
    const running = [...this.#members].filter(([, { isRunning }]) => isRunning)
    if (running.length === 0) return
    const counts = await this.#counts(running.map(([, { guestPort }]) => guestPort))
    for (const [key, member] of running) {
      // Removed meanwhile, or being worked at.
      const isOurs = (): boolean => this.#members.get(key) === member && member.isRunning
      if (!isOurs()) continue
      const why = await member.tap.check(counts(member.tap, member.guestPort))
      if (why === null || !isOurs()) continue
      this.#say(key, false, why)
      this.#queue.add(key)
    }
    this.#observe()
  }

  /** What the switch tells of taps now. */
  async #counts(
    guestPorts: readonly string[],
  ): Promise<(tap: Tap, guestPort: string) => MirrorCounts> {
    const { run, location, instance } = this.#settings
    const mirrors = await listMirrors(run, location, instance)
    const ports = [...guestPorts, ...mirrors.map(({ name }) => name)]
    const counts = await portCounts(run, location, ports)
    return ({ names: { portName } }, guestPort) => ({
      mirror: mirrors.find(({ name }) => name === portName) ?? null,
      guest: counts.get(guestPort) ?? null,
      copies: counts.get(portName) ?? null,
    })
  }

  #say(key: string, isRunning: boolean, problem: string | null): void {
    const member = this.#members.get(key)
    if (member === undefined) return
    member.isRunning = isRunning
    member.problem = problem
    this.#observe()
    this.emit('changed')
  }

  /** A tap that ran and does not is an outage: the port's traffic goes on, uninspected. */
  #observe(): void {
    const modes = new Map(
      [...this.#members]
        .filter(([, { entry }]) => entry !== null)
        .map(([key, { isRunning }]) => [key, isRunning ? 'listening' : 'bypass'] as const),
    )
    for (const event of this.#ledger.observe(modes, Date.now())) {
      const entry = this.#members.get(event.key)?.entry ?? null
      if (entry !== null) this.emit('outage', event, entry)
    }
  }

  /** Mirrors of a crashed run; the rest is found with what domains leave. */
  async #removeLeftovers(): Promise<void> {
    this.#areLeftoversGone = true
    await this.#removeMirrorsBut(new Set(this.names().map(({ portName }) => portName)))
  }

  async #removeMirrorsBut(wanted: ReadonlySet<string>): Promise<void> {
    const { run, location, instance } = this.#settings
    for (const { name } of await listMirrors(run, location, instance))
      if (!wanted.has(name)) await removeMirror(run, location, { name, instance })
  }

  #member(key: string, { entry: { attachment } }: TapPlan): Member {
    const known = this.#members.get(key)
    if (known !== undefined) return known
    const { instance, location, run, log, mtu } = this.#settings
    const { runFolder, spoolFolder, rulesFolder, appFolder } = this.#settings
    const names = tapNames(instance, attachment.tenant, attachment.id)
    for (const [id, { tap }] of this.#members)
      if (tap.names.portName === names.portName)
        throw new Error(`taps ${key} and ${id} derive the same name`)
    const tap = new Tap({
      names,
      location,
      mtu,
      run,
      folders: {
        run: join(runFolder, names.folder),
        spool: join(spoolFolder, names.folder),
        rules: rulesFolder,
        app: appFolder,
      },
      log: (message, fields) => log(message, { attachment: key, ...fields }),
    })
    const member = { tap, entry: null, guestPort: '', isRunning: false, problem: null }
    this.#members.set(key, member)
    return member
  }
}
