import { bindListeningSocket } from './listening-socket.ts'
import { type ControlServer, serveControl } from './control-server.ts'
import { finishSegmentsOf } from '../spool/spool-writer.ts'
import { Supervisor, type SupervisorOptions } from './supervisor.ts'

export interface RunSupervisorOptions {
  /** Path of the control socket. */
  readonly control: string
  /** Name that the status shows until a configuration says another. */
  readonly domain: string
  /** What connections get to finish on SIGTERM. */
  readonly drainMs: number
  readonly launch: SupervisorOptions['launch']
  readonly hasSpare: boolean
}

/**
 * A supervisor that an agent directs over its control socket. It starts with nothing to do, goes on
 * when the agent is gone, and ends on `stop`, SIGTERM or SIGINT.
 *
 * @returns exit code
 */
export async function runSupervisor(options: RunSupervisorOptions): Promise<number> {
  let control: ControlServer | null = null
  let hasFinished = false
  const supervisor = new Supervisor({
    domain: options.domain,
    launch: options.launch,
    hasSpare: options.hasSpare,
    openSocket: ({ listener }) =>
      listener.kind === 'transparent'
        ? listener.fd
        : bindListeningSocket(listener.host, listener.port).fd,
    outputs: ({ spoolFolder }) => {
      if (!hasFinished) {
        // Left open by workers of an earlier supervisor.
        hasFinished = true
        finishSegmentsOf(spoolFolder)
      }
      return { spoolFolder }
    },
    onChange: (status) => control?.announce(status),
    log: (line) => void process.stderr.write(`${new Date().toISOString()} ${line}\n`),
  })
  await new Promise<void>((stopped, reject) => {
    serveControl(options.control, supervisor, stopped).then(
      (server) => {
        control = server
      },
      (error: unknown) => reject(error as Error),
    )
    const onSignal = (): void => void supervisor.stop(options.drainMs).then(stopped)
    process.on('SIGTERM', onSignal)
    process.on('SIGINT', onSignal)
    process.on('SIGHUP', () => {})
  })
  ;(control as ControlServer | null)?.close()
  return 0
}
