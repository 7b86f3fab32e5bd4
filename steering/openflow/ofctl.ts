import { spawn } from 'node:child_process'
import { SwitchError } from './errors.ts'

/** Longest time for one call, and most bytes of its output that are taken. */
export const OFCTL_TIMEOUT_MS = 120_000
export const MAX_OFCTL_OUTPUT_BYTES = 268_435_456
const MESSAGE_BYTES = 600

/**
 * Runs ovs-ofctl: arguments as an array, flows on standard input, never a shell.
 *
 * @returns standard output
 * @throws SwitchError `COMMAND_FAILED`, `COMMAND_MISSING`, `OUTPUT_TOO_LARGE`
 */
export function ofctl(args: readonly string[], input = ''): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn('ovs-ofctl', ['-O', 'OpenFlow15', ...args], {
      stdio: 'pipe',
      timeout: OFCTL_TIMEOUT_MS,
      killSignal: 'SIGKILL',
    })
    const output: Buffer[] = []
    let outputBytes = 0
    let errors = ''
    child.stdout.on('data', (chunk: Buffer) => {
      outputBytes += chunk.length
      if (outputBytes <= MAX_OFCTL_OUTPUT_BYTES) output.push(chunk)
      else child.kill('SIGKILL')
    })
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      if (errors.length < MESSAGE_BYTES) errors += text
    })
    child.stdin.on('error', () => {}) // it ended without reading all: its exit code says why
    child.stdin.end(input)
    child.on('error', (cause: NodeJS.ErrnoException) => {
      const code = cause.code === 'ENOENT' ? 'COMMAND_MISSING' : 'COMMAND_FAILED'
      reject(new SwitchError(code, `ovs-ofctl: ${cause.message}`, { cause }))
    })
    child.on('close', (code, signal) => {
      if (outputBytes > MAX_OFCTL_OUTPUT_BYTES)
        reject(new SwitchError('OUTPUT_TOO_LARGE', `ovs-ofctl ${args[0]}: too much output`))
      else if (code === 0) resolve(Buffer.concat(output).toString())
      else {
        const how = signal === null ? `exit ${code}` : signal
        const why = errors.trim().slice(0, MESSAGE_BYTES)
        reject(new SwitchError('COMMAND_FAILED', `ovs-ofctl ${args.join(' ')}: ${how}: ${why}`))
      }
    })
  })
}
