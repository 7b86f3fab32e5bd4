import { spawn } from 'node:child_process'
import { DomainError } from './errors.ts'

/** A program with its arguments; never a shell line. */
export type Command = readonly [program: string, ...args: string[]]

/** Runs one command to its end and returns what it wrote on standard output. */
export type RunCommand = (command: Command, options?: RunOptions) => Promise<string>

export interface RunOptions {
  /** Text for standard input; default: none. */
  readonly input?: string
  readonly timeoutMs?: number
}

export const COMMAND_TIMEOUT_MS = 15_000
/** Most bytes that are kept of each output stream of a command. */
export const MAX_COMMAND_OUTPUT_BYTES = 8_388_608
const MESSAGE_BYTES = 400

/**
 * Runs a command without a shell.
 *
 * @returns its standard output (UTF-8)
 * @throws DomainError `COMMAND_FAILED` with the command and the end of its standard error
 */
export const runCommand: RunCommand = (command, options = {}) =>
  new Promise((resolve, reject) => {
    const [program, ...args] = command
    const child = spawn(program, args, {
      stdio: ['pipe', 'pipe', 'pipe'],
      timeout: options.timeoutMs ?? COMMAND_TIMEOUT_MS,
      killSignal: 'SIGKILL',
    })
    const stdout = collect(child.stdout)
    const stderr = collect(child.stderr)
    child.stdin.on('error', () => {}) // a command that reads no input closes it early
    child.stdin.end(options.input ?? '')
    child.on('error', (cause) => {
      reject(new DomainError('COMMAND_FAILED', `${program}: ${cause.message}`, { cause }))
    })
    child.on('close', (code, signal) => {
      if (code === 0) {
        resolve(stdout())
        return
      }
      const how = signal === null ? `ended with ${code}` : `was ended by ${signal}`
      const why = stderr().trim().slice(-MESSAGE_BYTES)
      reject(new DomainError('COMMAND_FAILED', `${command.join(' ')}: ${how}: ${why}`))
    })
  })

function collect(stream: NodeJS.ReadableStream): () => string {
  const chunks: Buffer[] = []
  let bytes = 0
  stream.on('data', (chunk: Buffer) => {
    if (bytes < MAX_COMMAND_OUTPUT_BYTES) chunks.push(chunk)
    bytes += chunk.length
  })
  return () => Buffer.concat(chunks).toString('utf8')
}
