import { EventEmitter } from 'node:events'
import { readFileSync, renameSync, writeFileSync } from 'node:fs'
import type { Redis } from 'ioredis'
import type { DesiredState } from '#chain/model/desired.ts'
import { reachable } from '#chain/store/connection.ts'
import type { DesiredStore } from '#chain/store/desired-store.ts'
import { EPOCH_KEY, snapshotHeadKey } from '#chain/store/keys.ts'
import { RAISE_EPOCH_SCRIPT } from '#chain/store/scripts.ts'
import { canonicalJson } from './canonical.ts'
import { compileHost, type HostContent } from './compile.ts'
import { epochInForce, type Progress } from './epoch.ts'
import type { HostDirectory, KnownHost } from './host-directory.ts'
import { publish, type Published, published, readPublished } from './published.ts'

/** How often everything is compiled anew although nothing is known to have changed. */
export const REPLAN_MS = 10_000

export interface PlannerOptions {
  readonly redis: Redis
  readonly store: DesiredStore
  readonly hosts: HostDirectory
  /** Where this manager remembers the order of snapshots, should Redis forget it. */
  readonly progressFile: string
  readonly log: (message: string) => void
}

/**
 * Pause before a pass that nobody waits for, so that many changes at once cost a few passes: the least,
 * the most, and as a multiple of what the pass before took.
 */
export const COALESCE_MS = 100
const MAX_COALESCE_MS = 2000
const COALESCE_FACTOR = 4

/** How often the progress is written to disk at most, apart from a new epoch. */
const SAVE_PROGRESS_MS = 1000

/** What a change would do to one host's snapshot. */
export interface HostPreview {
  readonly host: string
  readonly attachmentsAdded: readonly string[]
  readonly attachmentsChanged: readonly string[]
  readonly attachmentsRemoved: readonly string[]
}

interface PlannerEvents {
  /** A pass ended: every snapshot is that of the given revision or a later one. */
  settled: [revision: number]
}

/**
 * Keeps each host's snapshot what desired state and the host's own report make it. Level-triggered:
 * a pass looks at everything and publishes what differs, so a missed event costs time, never truth.
 */
export class Planner extends EventEmitter<PlannerEvents> {
  readonly #options: PlannerOptions
  readonly #published = new Map<string, Published>()
  #progress: Progress | null
  #pass: Promise<DesiredState> | null = null
  #next: Promise<DesiredState> | null = null
  #timer: NodeJS.Timeout | null = null
  #soon: NodeJS.Timeout | null = null
  #closed = false
  #count = 0
  #failing = false
  #isUnsaved = false
  #savedAt = 0
  #pauseMs = COALESCE_MS

  constructor(options: PlannerOptions) {
    super()
    this.#options = options
    this.#progress = readProgress(options.progressFile)
  }

  /** Snapshots published by this manager. */
  get publishedCount(): number {
    return this.#count
  }

  start(): void {
    this.#options.hosts.on('change', this.trigger)
    this.#tick()
  }

  async stop(): Promise<void> {
    this.#closed = true
    this.#options.hosts.off('change', this.trigger)
    for (const timer of [this.#timer, this.#soon]) if (timer !== null) clearTimeout(timer)
    await this.#pass?.catch(() => {})
    await this.#next?.catch(() => {})
    this.#save()
  }

  /** The snapshot that a host was last given. */
  of(host: string): Published | undefined {
    return this.#published.get(host)
  }

  /**
   * Runs a pass that begins after this call, or shares one that has not begun.
   *
   * @returns the picture that every snapshot now shows
   * @throws ApiError `unavailable`
   */
  async settle(): Promise<DesiredState> {
    if (this.#next !== null) return this.#next
    if (this.#pass === null) return this.#begin()
    this.#next = this.#pass
      .catch(() => {})
      .then(() => {
        this.#next = null
        return this.#begin()
      })
    return this.#next
  }

  /** What each host's snapshot would become under another picture. Changes nothing. */
  preview(state: DesiredState): HostPreview[] {
    return this.#options.hosts.all().flatMap((known) => {
      const before = this.#published.get(known.host)
      const after = this.#compile(state, known)
      if (canonicalJson(after) === before?.text) return []
      const next = published(0, 0, after, null).since
      const had = before?.since ?? new Map<string, { digest: string }>()
      return {
        host: known.host,
        attachmentsAdded: [...next.keys()].filter((key) => !had.has(key)),
        attachmentsChanged: [...next].flatMap(([key, { digest }]) => {
          const earlier = had.get(key)
          return earlier !== undefined && earlier.digest !== digest ? key : []
        }),
        attachmentsRemoved: [...had.keys()].filter((key) => !next.has(key)),
      }
    })
  }

  /** Something changed: a pass soon, together with whatever else changes until then. */
  readonly trigger = (): void => {
    if (this.#closed || this.#soon !== null) return
    this.#soon = setTimeout(() => {
      this.#soon = null
      this.settle().catch(() => {})
    }, this.#pauseMs)
  }

  #tick(): void {
    if (this.#closed) return
    this.trigger()
    this.#timer = setTimeout(() => this.#tick(), REPLAN_MS)
  }

  async #begin(): Promise<DesiredState> {
    const startedAt = performance.now()
    const pass = reachable(this.#run())
    this.#pass = pass
    try {
      const state = await pass
      this.#failing = false
      const tookMs = performance.now() - startedAt
      this.#pauseMs = Math.min(Math.max(COALESCE_MS, COALESCE_FACTOR * tookMs), MAX_COALESCE_MS)
      this.emit('settled', state.revision)
      return state
    } catch (error) {
      // Redis away is the API's to report; once in the log is enough.
      if (!this.#failing) this.#options.log(`planning stopped for now: ${String(error)}`)
      this.#failing = true
      throw error
    } finally {
      if (this.#pass === pass) this.#pass = null
    }
  }

  async #run(): Promise<DesiredState> {
    const state = await this.#options.store.load()
    const epoch = await this.#epoch(state)
    const hosts = this.#options.hosts.all()
    if (hosts.length === 0) return state
    const heads = await this.#options.redis.mget(hosts.map(({ host }) => snapshotHeadKey(host)))
    for (const [index, known] of hosts.entries()) {
      await this.#planHost(state, epoch, known, heads[index] ?? '')
    }
    return state
  }

  async #epoch(state: DesiredState): Promise<number> {
    const { redis, hosts } = this.#options
    const stored = Number((await redis.get(EPOCH_KEY)) ?? '0')
    const agents = Math.max(0, ...hosts.all().map((known) => known.status?.epoch ?? 0))
    const { revision } = state
    const wanted = epochInForce({ epoch: stored, revision }, this.#progress, agents)
    const epoch =
      wanted === stored
        ? stored
        : Number(await redis.eval(RAISE_EPOCH_SCRIPT, 1, EPOCH_KEY, wanted))
    if (stored !== epoch && stored > 0)
      this.#options.log(`epoch ${epoch}: state may have been lost`)
    const isOther = this.#progress?.epoch !== epoch
    this.#isUnsaved ||= isOther || this.#progress?.revision !== revision
    this.#progress = { epoch, revision }
    if (isOther || Date.now() - this.#savedAt >= SAVE_PROGRESS_MS) this.#save()
    return epoch
  }

  #save(): void {
    if (!this.#isUnsaved || this.#progress === null) return
    writeProgress(this.#options.progressFile, this.#progress)
    this.#isUnsaved = false
    this.#savedAt = Date.now()
  }

  /** @param head `epoch.generation` of the host's snapshot in Redis, empty when it has none */
  async #planHost(
    state: DesiredState,
    epoch: number,
    known: KnownHost,
    head: string,
  ): Promise<void> {
    const { redis } = this.#options
    const { host, status } = known
    let before = this.#published.get(host) ?? null
    if (before === null || head !== `${before.epoch}.${before.generation}`) {
      before = await readPublished(redis, host)
      if (before !== null) this.#published.set(host, before)
    }
    const content = this.#compile(state, known)
    const seen = status?.epoch === epoch ? status.seenGeneration : 0
    const isSame = before?.epoch === epoch && canonicalJson(content) === before.text
    if (isSame && before !== null && seen <= before.generation) return
    const stored = Number(head.split('.')[1] ?? '0')
    const generation = Math.max(before?.generation ?? 0, stored, seen) + 1
    const next = published(epoch, generation, content, before)
    if (await publish(redis, head, next)) {
      this.#published.set(host, next)
      this.#count++
    }
  }

  /**
   * A host that is gone keeps the ports it had, so that it finds the truth when it comes back; so does one that does
   * not hear of its switch, or an agent that is started again would lose what it had in force.
   */
  #compile(state: DesiredState, { host, status, last }: KnownHost): HostContent {
    const told = status ?? last
    const reported = told?.switchConnected ? told.ports.map((port) => port.interfaceId) : undefined
    const before = this.#published.get(host)?.content.ports.map((port) => port.interfaceId)
    return compileHost(state, host, new Set(reported ?? before ?? []))
  }
}

function readProgress(file: string): Progress | null {
  try {
    const { epoch, revision } = JSON.parse(readFileSync(file, 'utf8')) as Progress
    return Number.isSafeInteger(epoch) && Number.isSafeInteger(revision)
      ? { epoch, revision }
      : null
  } catch {
    return null
  }
}

function writeProgress(file: string, progress: Progress): void {
  writeFileSync(`${file}.tmp`, JSON.stringify(progress), { mode: 0o600 })
  renameSync(`${file}.tmp`, file)
}
