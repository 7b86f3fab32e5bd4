import { type ChildProcess, spawn } from 'node:child_process'

/** How long the agent may take to end after SIGTERM: with a teardown it drains connections. */
const STOP_DEADLINE_MS = 60_000
/** An agent that ends so soon after its first start will not do better the next time. */
const HOPELESS_MS = 5000
const MAX_RESTART_DELAY_MS = 10_000

export interface AgentProcessOptions {
  /** Entry of the agent's process. */
  readonly entry: string
  readonly args: readonly string[]
  readonly environment: NodeJS.ProcessEnv
  readonly log: (message: string) => void
  /** The agent cannot run here; nothing restarts it any more. */
  readonly onHopeless: (exitCode: number) => void
}

/**
 * The agent as a child of `portcullis up`: restarted when it dies, ended before the manager. It has a
 * process group of its own, so that Ctrl-C reaches it through `stop` and in order.
 */
export class AgentProcess {
  readonly #options: AgentProcessOptions
  #child: ChildProcess | null = null
  #timer: NodeJS.Timeout | null = null
  #stopping = false
  #restarts = 0

  constructor(options: AgentProcessOptions) {
    this.#options = options
  }

  start(): void {
    const { entry, args, environment } = this.#options
    const startedAt = Date.now()
    const child = spawn(
      process.execPath,
      ['--disable-warning=ExperimentalWarning', entry, ...args],
      { detached: true, stdio: ['ignore', 'inherit', 'inherit'], env: environment },
    )
    this.#child = child
    child.once('error', (error) => this.#options.log(`the agent did not start: ${error.message}`))
    child.once('exit', (code, signal) => this.#ended(code, signal, Date.now() - startedAt))
  }

  /** Ends the agent. Flows and workers stay unless it was told to take them away (`--teardown`). */
  async stop(): Promise<void> {
    this.#stopping = true
    if (this.#timer !== null) clearTimeout(this.#timer)
    const child = this.#child
    if (child === null || child.exitCode !== null || child.signalCode !== null) return
    const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()))
    child.kill('SIGTERM')
    const timer = setTimeout(() => child.kill('SIGKILL'), STOP_DEADLINE_MS)
    await ended
    clearTimeout(timer)
  }

  #ended(code: number | null, signal: string | null, livedMs: number): void {
    if (this.#stopping) return
    if (this.#restarts === 0 && livedMs < HOPELESS_MS && code !== null && code !== 0) {
      this.#options.onHopeless(code)
      return
    }
    const wait = Math.min(500 * 2 ** Math.min(this.#restarts, 5), MAX_RESTART_DELAY_MS)
    this.#restarts++
    this.#options.log(`the agent ended (${signal ?? `code ${code}`}): restarting in ${wait} ms`)
    this.#timer = setTimeout(() => this.start(), wait)
  }
}
