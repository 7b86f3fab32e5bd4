import { type ChildProcess, fork } from 'node:child_process'
import { getPriority, setPriority } from 'node:os'
import type { DomainConfig } from '#chain/model/domain.ts'
import type { OutputOptions } from '../worker/outputs.ts'
import {
  HEARTBEAT_MS,
  HUNG_AFTER_MS,
  type KnownRecords,
  LOAD_DEADLINE_MS,
  type RecordsAnswer,
  type RecordsQuestion,
  type WorkerRequest,
  type WorkerResponse,
} from '../worker/protocol.ts'
import type { Samples } from '../worker/samples.ts'

const V8_FLAGS = [
  // V8 gives a pattern that backtracks too much to its linear engine, where the pattern allows that.
  '--enable-experimental-regexp-engine-on-excessive-backtracks',
  // What traffic allocates lives for one request. By default V8 lets 128 MiB of it gather before it looks.
  '--max-semi-space-size=8',
  '--heap-growing-percent=75',
  // A worker has one core: helpers would take turns with it, and each pause would take as long as the slowest.
  '--no-parallel-scavenge',
  // What sockets read lies outside of the heap and is gone at the next small collection. Counted as growth of
  // the heap itself it brings about a large one for every few MiB of traffic.
  '--external-memory-accounted-in-global-limit',
  // Rules are many small functions that call each other; with the defaults half of the calls stay calls.
  '--max-inlined-bytecode-size=1000',
  '--max-inlined-bytecode-size-cumulative=3000',
  // For `release-garbage.ts`.
  '--expose-gc',
]
/** After the deadline of a drain the worker resets what is left; then it has this long to end. */
const END_GRACE_MS = 2_000

/** `spare`: its program is loaded and it has no configuration yet. */
export type WorkerState = 'spare' | 'loading' | 'listening' | 'draining' | 'gone'

export interface WorkerEvents {
  /** State or counts changed; `gone` is told last. */
  changed(worker: WorkerProcess): void
  /** It cannot run its configuration. It ends by itself afterwards. */
  refused(worker: WorkerProcess, reason: string): void
  /** It tells of persistent collections. @returns the answer; null: none */
  asked(worker: WorkerProcess, question: RecordsQuestion): RecordsAnswer | null
  /** What it is to know of them when it begins. */
  known(): KnownRecords
}

export interface WorkerLaunch {
  /** Module that calls `runWorker`, and its arguments. */
  readonly module: string
  readonly arguments: readonly string[]
  readonly listenFd: number
  /** Packet socket of the domain; null: it has none. */
  readonly datagramFd: number | null
}

/** Added to the arguments of a spare, so that people can tell it from the others. */
const SPARE_ARGUMENT = '--spare'

/**
 * One worker as the supervisor sees it: what it runs, what state it is in, and whether it still answers.
 * It is a spare until it is given a configuration. A worker that is silent for too long is killed: it accepts connections and does nothing with them.
 */
export class WorkerProcess {
  readonly pid: number
  /** Null: a spare. */
  config: DomainConfig | null = null
  /** When it was given its configuration. */
  startedAt = performance.now()
  state: WorkerState = 'spare'
  hasListened = false
  /** New connections may come to it: it listens, or has yet to hear that it is to drain. */
  mayAccept = false
  /** True when its end was asked for. */
  wasDraining = false
  /** Generation whose ports and attachments it routes by, once it has loaded. */
  generation = 0
  /** It drains and has no time left: it ends now. */
  isCutOff = false
  connections = 0
  samples: Samples = {}
  /** What it loaded, for people. */
  chains: readonly string[] = []
  warnings: readonly string[] = []
  /** How it ended, for people. */
  ending = ''
  readonly #child: ChildProcess
  readonly #events: WorkerEvents
  readonly #heartbeat: NodeJS.Timeout
  #sequence = 0
  #unanswered = 0
  #heardAt = performance.now()
  #killTimer: NodeJS.Timeout | null = null

  /** @param isSpare  it waits for its configuration; otherwise `start` follows at once */
  constructor(launch: WorkerLaunch, isSpare: boolean, events: WorkerEvents) {
    this.#events = events
    const more = isSpare ? [SPARE_ARGUMENT] : []
    this.#child = fork(launch.module, [...launch.arguments, ...more], {
      execArgv: [...V8_FLAGS, '--disable-warning=ExperimentalWarning'],
      stdio: [
        ...(['inherit', 'inherit', 'inherit', 'ipc'] as const),
        launch.listenFd,
        ...(launch.datagramFd === null ? [] : [launch.datagramFd]),
      ],
    })
    this.pid = this.#child.pid ?? -1
    beforeNobody(this.pid)
    this.#child.on('message', (message: WorkerResponse) => this.#hear(message))
    this.#child.on('error', (error) => {
      this.ending ||= error.message
      // A process that could not be started reports no exit.
      if (this.#child.pid === undefined) this.#gone()
    })
    this.#child.on('exit', (code, signal) => {
      this.ending ||= signal === null ? `exit code ${code}` : `signal ${signal}`
      this.#gone()
    })
    this.#heartbeat = setInterval(() => this.#beat(), HEARTBEAT_MS)
  }

  /** A spare goes to work. */
  start(config: DomainConfig, outputs: OutputOptions): void {
    if (this.state !== 'spare') return
    this.state = 'loading'
    this.config = config
    this.generation = config.generation
    this.startedAt = performance.now()
    this.#send({ type: 'start', config, outputs })
  }

  /** Takes over ports and attachments; chains and all else must be those that it has. */
  reattach(config: DomainConfig): void {
    this.config = config
    this.#send({ type: 'reattach', config })
  }

  /** What others made of persistent collections, where it has any. */
  know(records: KnownRecords): void {
    if (this.state === 'listening' || this.state === 'draining') this.#send(records)
  }

  /** It is the one that reads datagrams, or is not any more. */
  readDatagrams(isReader: boolean): void {
    this.#send({ type: 'datagrams', isReader })
  }

  /**
   * Accepts no more; ends when its connections have, or at the deadline.
   *
   * @param isAsked  somebody wants the end: no alert tells what is cut off at the deadline
   */
  drain(deadlineMs: number, isAsked: boolean): void {
    if (this.state === 'gone' || this.isCutOff) return
    this.wasDraining = true
    if (this.state === 'spare' || this.state === 'loading') {
      this.kill('not needed any more')
      return
    }
    this.state = 'draining'
    this.isCutOff = deadlineMs === 0
    this.#send({ type: 'drain', deadlineMs, isAsked })
    if (this.#killTimer !== null) clearTimeout(this.#killTimer)
    this.#killTimer = setTimeout(
      () => this.kill('did not drain in time'),
      deadlineMs + END_GRACE_MS,
    )
    this.#events.changed(this)
  }

  kill(reason: string): void {
    if (this.state === 'gone') return
    this.ending ||= reason
    this.#child.kill('SIGKILL')
  }

  #send(message: WorkerRequest): void {
    // A worker that died is told of by `exit`.
    if (this.#child.connected) this.#child.send(message, () => {})
  }

  /** Silence is counted in beats as well as in time: a supervisor that was asleep itself judges nobody. */
  #beat(): void {
    const isLoading = this.state === 'spare' || this.state === 'loading'
    const limitMs = isLoading ? LOAD_DEADLINE_MS : HUNG_AFTER_MS
    const silentMs = performance.now() - this.#heardAt
    if (this.#unanswered * HEARTBEAT_MS >= limitMs && silentMs >= limitMs) {
      this.kill(`silent for ${Math.round(silentMs)} ms`)
      return
    }
    this.#unanswered++
    this.#send({ type: 'ping', sequence: ++this.#sequence })
  }

  #hear(message: WorkerResponse): void {
    this.#unanswered = 0
    this.#heardAt = performance.now()
    switch (message.type) {
      case 'ready':
        this.chains = message.chains
        this.warnings = message.warnings
        if (this.state !== 'loading') return
        this.#send(this.#events.known())
        this.#send({ type: 'listen' })
        return
      case 'listening':
        if (this.state !== 'loading') return
        this.state = 'listening'
        this.hasListened = true
        this.mayAccept = true
        this.#events.changed(this)
        return
      case 'closed':
        this.mayAccept = false
        this.#events.changed(this)
        return
      case 'reattached':
        this.generation = message.generation
        this.#events.changed(this)
        return
      case 'refused':
        this.ending = 'refused its configuration'
        this.#events.refused(this, message.reason)
        this.kill('refused its configuration')
        return
      case 'pong':
        this.connections = message.connections
        this.samples = message.samples
        return
      case 'records': {
        const answer = this.#events.asked(this, message)
        if (answer !== null) this.#send(answer)
      }
    }
  }

  #gone(): void {
    if (this.state === 'gone') return
    clearInterval(this.#heartbeat)
    if (this.#killTimer !== null) clearTimeout(this.#killTimer)
    this.state = 'gone'
    this.mayAccept = false
    this.connections = 0
    this.#events.changed(this)
  }
}

/**
 * A supervisor may run before others, so that it hears at once when a worker dies; workers never do: what
 * they inspect decides how busy they are.
 */
function beforeNobody(pid: number): void {
  try {
    if (pid > 0 && getPriority(pid) < 0) setPriority(pid, 0)
  } catch {
    // It has ended already.
  }
}
