import { spawn } from 'node:child_process'
import { SwitchError } from './errors.ts'

/** Longest time for one call, and most bytes of its output that are taken. */
export const OFCTL_TIMEOUT_MS = 120_000
export const MAX_OFCTL_OUTPUT_BYTES = 268_435_456
const MESSAGE_BYTES = 600

export interface OfctlOptions {
  /** Text for standard input. */
  readonly input?: string
  /** Takes each line of standard output as it comes. @throws what the call is to end with */
  readonly onLine?: (line: string) => void
}

/**
 * Runs ovs-ofctl: arguments as an array, flows on standard input, never a shell.
 *
 * @throws SwitchError `COMMAND_FAILED`, `COMMAND_MISSING`, `OUTPUT_TOO_LARGE`, or what `onLine` throws
 */
export function ofctl(args: readonly string[], options: OfctlOptions = {}): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn('ovs-ofctl', ['-O', 'OpenFlow15', ...args], {
      stdio: 'pipe',
      timeout: OFCTL_TIMEOUT_MS,
      killSignal: 'SIGKILL',
    })
    const giveUp = (error: unknown): void => {
      child.kill('SIGKILL')
      reject(error)
    }
    let outputBytes = 0
    let partial = ''
    let errors = ''
    child.stdout.setEncoding('latin1').on('data', (text: string) => {
      outputBytes += text.length
      if (outputBytes > MAX_OFCTL_OUTPUT_BYTES) {
        giveUp(new SwitchError('OUTPUT_TOO_LARGE', `ovs-ofctl ${args[0]}: too much output`))
        return
      }
      const lines = (partial + text).split('\n')
      partial = lines.pop() ?? ''
      try {
        for (const line of lines) options.onLine?.(line)
      } catch (error) {
        giveUp(error)
      }
    })
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      if (errors.length < MESSAGE_BYTES) errors += text
    })
    child.stdin.on('error', () => {}) // it ended without reading all: its exit code says why
    child.stdin.end(options.input ?? '')
    child.on('error', (cause: NodeJS.ErrnoException) => {
      const code = cause.code === 'ENOENT' ? 'COMMAND_MISSING' : 'COMMAND_FAILED'
      reject(new SwitchError(code, `ovs-ofctl: ${cause.message}`, { cause }))
    })
    child.on('close', (code, signal) => {
      if (code === 0) {
        resolve()
        return
      }
      const how = signal === null ? `exit ${code}` : signal
      const why = errors.trim().slice(0, MESSAGE_BYTES)
      reject(new SwitchError('COMMAND_FAILED', `ovs-ofctl ${args.join(' ')}: ${how}: ${why}`))
    })
  })
}
