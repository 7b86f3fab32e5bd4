import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process'
import { createWriteStream } from 'node:fs'

/** How long a process may take to end before it is killed. */
const STOP_GRACE_MS = 20_000

/** Standard output and error go to a log file; the last lines are told when the process fails. */
export class LoggedProcess {
  readonly name: string
  readonly child: ChildProcess
  readonly #tail: string[] = []

  constructor(name: string, argv: readonly string[], logFile: string, options: SpawnOptions = {}) {
    this.name = name
    const [program, ...args] = argv
    // A group of its own: Ctrl-C is for the stage, which takes its processes down in order.
    this.child = spawn(program, args, {
      detached: true,
      ...options,
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    const log = createWriteStream(logFile, { flags: 'a' })
    for (const stream of [this.child.stdout!, this.child.stderr!]) {
      stream.on('data', (chunk: Buffer) => {
        log.write(chunk)
        this.#tail.push(
          ...chunk
            .toString('utf8')
            .split('\n')
            .filter((line) => line !== ''),
        )
        this.#tail.splice(0, Math.max(0, this.#tail.length - 30))
      })
    }
    this.child.once('close', () => log.end())
    this.child.once('error', (error) => this.#tail.push(error.message))
  }

  get running(): boolean {
    return (
      this.child.pid !== undefined && this.child.exitCode === null && this.child.signalCode === null
    )
  }

  /** Throws with the process's last words when it has ended. */
  assertRunning(): void {
    if (!this.running) throw new Error(`${this.name} ended:\n${this.lastWords}`)
  }

  get lastWords(): string {
    return this.#tail.join('\n')
  }

  kill(signal: NodeJS.Signals): Promise<void> {
    if (!this.running) return Promise.resolve()
    const ended = new Promise<void>((resolve) => this.child.once('exit', () => resolve()))
    this.child.kill(signal)
    return ended
  }

  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    if (!this.running) return
    const ended = this.kill(signal)
    const timer = setTimeout(() => this.child.kill('SIGKILL'), STOP_GRACE_MS)
    await ended
    clearTimeout(timer)
  }
}
