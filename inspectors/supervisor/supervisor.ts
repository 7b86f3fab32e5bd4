import type { DomainConfig, SupervisorStatus } from '#chain/model/domain.ts'
import { finishSegmentsOf } from '../spool/spool-writer.ts'
import type { OutputOptions } from '../worker/outputs.ts'
import { addSamples, exposition } from './exposition.ts'
import { canReattach } from './can-reattach.ts'
import { DatagramReader } from './datagram-reader.ts'
import { RecordRelay } from './record-relay.ts'
import { RestartDelay } from './restart-delay.ts'
import { type WorkerLaunch, WorkerProcess } from './worker-process.ts'

/**
 * What connections get to finish when their worker is replaced: WebSockets and long downloads live on
 * under the rules they began with.
 */
export const ROLL_DRAIN_MS = 86_400_000
/** Configurations that still have draining workers; beyond it the workers of the oldest are ended. */
export const MAX_DRAINING_GENERATIONS = 4
/** A spare that died is not started again before. */
const SPARE_REST_MS = 10_000

export interface SupervisorOptions {
  readonly domain: string
  readonly launch: Omit<WorkerLaunch, 'listenFd' | 'datagramFd'>
  /**
   * Keeps one process more, without rules and without listening: a dead worker is then replaced, and a
   * configuration tried, without loading the program first. Costs about 100 MB.
   */
  readonly hasSpare: boolean
  /** Descriptor of the listening socket for a configuration; called once, for the first. */
  readonly openSocket: (config: DomainConfig) => number
  /** Where alerts go, beside what the configuration says. */
  readonly outputs: (config: DomainConfig) => OutputOptions
  /** A field of the status other than `connections` changed. */
  readonly onChange: (status: SupervisorStatus) => void
  readonly log: (line: string) => void
  /** ROLL_DRAIN_MS, for tests. */
  readonly rollDrainMs?: number
}

type Settle = (error: Error | null) => void

interface Candidate {
  readonly config: DomainConfig
  readonly settle: Settle
}

/**
 * Keeps the workers of one domain in the state its configuration asks for.
 *
 * A new configuration is tried by one worker. If that one cannot load it, nothing else happens: the
 * reason is reported and the old workers go on. If it listens, the configuration is in force and the
 * old workers are replaced one by one, each drained only when its successor listens, so that at no time
 * fewer listen than before. `#reconcile` compares what runs with what should and takes the next step;
 * it is called on every change, whatever its cause.
 *
 * Where only ports and attachments change, nothing is compiled and nobody is replaced: the workers take
 * them over.
 */
export class Supervisor {
  readonly #options: SupervisorOptions
  readonly #workers = new Set<WorkerProcess>()
  readonly #restart = new RestartDelay()
  readonly #datagrams = new DatagramReader()
  readonly #records = new RecordRelay(this.#workers)
  /** Counters of workers that are gone: totals must not fall. */
  readonly #retired: Record<string, number> = {}
  #socket: {
    readonly fd: number
    readonly datagramFd: number | null
    readonly key: string
  } | null = null
  #current: DomainConfig | null = null
  #candidate: Candidate | null = null
  /** Waits until every worker to which connections come runs the current configuration. */
  #rolling: Settle[] = []
  #refused: SupervisorStatus['refused'] = null
  #generation = 0
  #restarts = 0
  #spareRests = false
  #startNotBefore = 0
  #startTimer: NodeJS.Timeout | null = null
  /** Who waits for the end; null while nobody asked for it. */
  #stopping: (() => void)[] | null = null
  #lastStatus = ''
  #chains: readonly string[] = []

  constructor(options: SupervisorOptions) {
    this.#options = options
  }

  /** What the workers loaded, for people: one line per chain. */
  get chains(): readonly string[] {
    return this.#chains
  }

  get status(): SupervisorStatus {
    const config = this.#current ?? this.#candidate?.config
    let connections = 0
    for (const worker of this.#workers) connections += worker.connections
    return {
      domain: config?.domain ?? this.#options.domain,
      pid: process.pid,
      generation: this.#generation,
      refused: this.#refused,
      wanted: config?.workers ?? 0,
      listening: this.#count('listening'),
      draining: this.#count('draining'),
      restarts: this.#restarts,
      connections,
    }
  }

  /**
   * @returns when every worker to which connections come runs the configuration
   * @throws Error with the reason when it is refused or another one took its place
   */
  async apply(config: DomainConfig): Promise<SupervisorStatus> {
    if (this.#stopping !== null) throw new Error('the supervisor is stopping')
    if (this.#current !== null && this.#current.generation === config.generation) {
      if (JSON.stringify(this.#current) !== JSON.stringify(config)) {
        throw new Error(`generation ${config.generation} is in force with another content`)
      }
      // An agent that came back while its last configuration is still being rolled out.
      if (this.#rolling.length > 0) await this.#settled((settle) => this.#rolling.push(settle))
      return this.status
    }
    this.#bindSocket(config)
    this.#candidate?.settle(new Error(`superseded by generation ${config.generation}`))
    this.#dropCandidate()
    const current = this.#current
    await this.#settled((settle) => {
      if (current !== null && canReattach(current, config)) {
        this.#reattach(current, config, settle)
        return
      }
      this.#candidate = { config, settle }
      this.#startNotBefore = 0
      this.#restart.reset()
      this.#reconcile()
    })
    return this.status
  }

  /** Who runs the current chains goes on with them; who is still being replaced is. */
  #reattach(current: DomainConfig, config: DomainConfig, settle: Settle): void {
    this.#takeOver(config, settle)
    for (const worker of this.#workers) {
      if (worker.config !== current) continue
      if (worker.state === 'loading' || worker.state === 'listening') worker.reattach(config)
    }
    this.#reconcile()
  }

  #takeOver(config: DomainConfig, settle: Settle): void {
    for (const waiting of this.#rolling) {
      waiting(new Error(`superseded by generation ${config.generation}`))
    }
    this.#current = config
    this.#rolling = [settle]
    this.#refused = null
  }

  #settled(start: (settle: Settle) => void): Promise<void> {
    return new Promise<void>((resolve, reject) => {
      start((error) => {
        if (error === null) resolve()
        else reject(error)
      })
    })
  }

  metrics(): string {
    const samples = { ...this.#retired, ...this.#records.samples }
    for (const worker of this.#workers) addSamples(samples, worker.samples)
    return exposition(samples, this.status)
  }

  /** Ends all workers: they accept no more and finish what they have until the deadline. */
  async stop(drainMs: number): Promise<void> {
    this.#candidate?.settle(new Error('the supervisor is stopping'))
    this.#dropCandidate()
    for (const settle of this.#rolling) settle(new Error('the supervisor is stopping'))
    this.#rolling = []
    await new Promise<void>((resolve) => {
      this.#stopping = [...(this.#stopping ?? []), resolve]
      for (const worker of this.#workers) worker.drain(drainMs, true)
      this.#reconcile()
    })
  }

  #bindSocket(config: DomainConfig): void {
    const { listener } = config
    const isProxy = listener.kind === 'proxy'
    const datagramFd = isProxy ? null : (listener.datagramFd ?? null)
    const key = isProxy ? `${listener.host}:${listener.port}` : `fd ${listener.fd}`
    if (this.#socket === null)
      this.#socket = { fd: this.#options.openSocket(config), datagramFd, key }
    else if (this.#socket.key !== key) {
      throw new Error(
        `the listener cannot change while the supervisor runs: it is ${this.#socket.key}`,
      )
    }
  }

  #count(state: WorkerProcess['state']): number {
    let count = 0
    for (const worker of this.#workers) if (worker.state === state) count++
    return count
  }

  #having(config: DomainConfig, state: WorkerProcess['state']): number {
    let count = 0
    for (const worker of this.#workers) {
      if (worker.config === config && worker.state === state) count++
    }
    return count
  }

  #start(config: DomainConfig): void {
    const spare = [...this.#workers].find(({ state }) => state === 'spare')
    const worker = spare ?? this.#fork(false)
    worker.start(config, this.#options.outputs(config))
  }

  #fork(isSpare: boolean): WorkerProcess {
    const launch = {
      ...this.#options.launch,
      listenFd: this.#socket?.fd ?? -1,
      datagramFd: this.#socket?.datagramFd ?? null,
    }
    const worker = new WorkerProcess(launch, isSpare, {
      changed: (changed) => this.#changed(changed),
      refused: (refusing, reason) => this.#refuse(refusing, reason),
      asked: (asking, question) => this.#records.hear(asking, question, Date.now()),
      known: () => this.#records.known(Date.now()),
    })
    this.#workers.add(worker)
    return worker
  }

  #changed(worker: WorkerProcess): void {
    if (worker.state === 'listening') {
      this.#chains = worker.chains
      this.#promote(worker)
    }
    if (worker.state === 'gone') this.#bury(worker)
    this.#reconcile()
  }

  /** The first worker of a candidate listens: the candidate is the configuration now. */
  #promote(worker: WorkerProcess): void {
    const candidate = this.#candidate
    if (candidate === null || candidate.config !== worker.config) return
    for (const warning of worker.warnings) this.#options.log(`warning: ${warning}`)
    this.#candidate = null
    this.#takeOver(candidate.config, candidate.settle)
  }

  #refuse(worker: WorkerProcess, reason: string): void {
    if (this.#candidate?.config !== worker.config) {
      this.#options.log(
        `worker ${worker.pid} refused generation ${worker.config?.generation}: ${reason}`,
      )
      return
    }
    const { settle, config } = this.#candidate
    this.#refused = { generation: config.generation, reason }
    this.#candidate = null
    settle(new Error(reason))
  }

  #bury(worker: WorkerProcess): void {
    this.#workers.delete(worker)
    if (worker.config === null) {
      this.#restSpare()
      return
    }
    addSamples(this.#retired, worker.samples)
    const { spoolFolder } = this.#options.outputs(worker.config)
    if (spoolFolder !== undefined) finishSegmentsOf(spoolFolder, worker.pid)
    if (worker.wasDraining || this.#stopping !== null) return
    if (this.#candidate?.config === worker.config) {
      this.#refuse(worker, `the worker ended while it loaded the configuration (${worker.ending})`)
      return
    }
    // Of a candidate that was refused or dropped.
    if (worker.config !== this.#current && !worker.hasListened) return
    this.#restarts++
    const delayMs = this.#restart.afterDeath(performance.now() - worker.startedAt)
    this.#startNotBefore = performance.now() + delayMs
    this.#options.log(
      `worker ${worker.pid} ended (${worker.ending}), replaced ${delayMs === 0 ? 'at once' : `in ${delayMs} ms`}`,
    )
  }

  /** A spare ended that nobody used. One that cannot live must not take the machine with it. */
  #restSpare(): void {
    this.#spareRests = true
    const timer = setTimeout(() => {
      this.#spareRests = false
      this.#reconcile()
    }, SPARE_REST_MS)
    timer.unref()
  }

  #dropCandidate(): void {
    const config = this.#candidate?.config
    this.#candidate = null
    for (const worker of this.#workers) {
      if (worker.config === config) worker.drain(0, true)
    }
  }

  #reconcile(): void {
    if (this.#stopping !== null) {
      if (this.#workers.size === 0) for (const ended of this.#stopping) ended()
    } else {
      if (this.#candidate !== null) this.#tryCandidate(this.#candidate.config)
      if (this.#current !== null) this.#keep(this.#current)
      this.#keepSpare()
    }
    if (typeof this.#socket?.datagramFd === 'number')
      this.#datagrams.choose(this.#workers, this.#current)
    this.#announce()
  }

  #tryCandidate(config: DomainConfig): void {
    if (this.#having(config, 'loading') + this.#having(config, 'listening') === 0) {
      this.#start(config)
    }
  }

  #keep(config: DomainConfig): void {
    const listening = this.#having(config, 'listening')
    const old = [...this.#workers].filter(
      (worker) =>
        worker.state === 'listening' &&
        worker.config !== config &&
        worker.config !== this.#candidate?.config,
    )
    // Successors one at a time; where there is nobody to replace, all at once.
    const missing = config.workers - listening - this.#having(config, 'loading')
    const allowed =
      old.length > 0 ? Math.min(missing, 1 - this.#having(config, 'loading')) : missing
    if (allowed > 0) {
      const waitMs = this.#startNotBefore - performance.now()
      if (waitMs > 0) this.#retryIn(waitMs)
      else for (let started = 0; started < allowed; started++) this.#start(config)
    }
    const surplus = listening + old.length - config.workers
    const drainMs = this.#options.rollDrainMs ?? ROLL_DRAIN_MS
    for (const worker of old.slice(0, Math.max(0, surplus))) worker.drain(drainMs, false)
    this.#boundDraining()
    const isSettled = [...this.#workers].every(
      ({ mayAccept, generation }) => !mayAccept || generation === config.generation,
    )
    if (isSettled && listening >= config.workers) this.#inForce(config)
  }

  #inForce(config: DomainConfig): void {
    this.#generation = config.generation
    for (const settle of this.#rolling) settle(null)
    this.#rolling = []
  }

  #boundDraining(): void {
    const draining = [...this.#workers].filter(
      ({ state, isCutOff }) => state === 'draining' && !isCutOff,
    )
    const configs = [...new Set(draining.map(({ config }) => config))]
    const ending = configs.slice(0, Math.max(0, configs.length - MAX_DRAINING_GENERATIONS))
    for (const worker of draining) if (ending.includes(worker.config)) worker.drain(0, false)
  }

  /** When all is as it should be, so that a spare takes no time from workers that are needed. */
  #keepSpare(): void {
    if (!this.#options.hasSpare || this.#spareRests || this.#current === null) return
    const isBusy =
      this.#candidate !== null || this.#count('loading') > 0 || this.#rolling.length > 0
    if (!isBusy && this.#count('spare') === 0) this.#fork(true)
  }

  #retryIn(waitMs: number): void {
    if (this.#startTimer !== null) return
    this.#startTimer = setTimeout(() => {
      this.#startTimer = null
      this.#reconcile()
    }, waitMs)
  }

  #announce(): void {
    const { status } = this
    const text = JSON.stringify({ ...status, connections: 0 })
    if (text === this.#lastStatus) return
    this.#lastStatus = text
    this.#options.onChange(status)
  }
}
