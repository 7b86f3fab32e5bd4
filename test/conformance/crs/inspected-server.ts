import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { ReflectServer } from './reflect-server.ts'
import { TEST_SETUP } from './test-setup.ts'

const MAIN = join(import.meta.dirname, '../../../inspectors/main.ts')
const START_TIMEOUT_MS = 60_000
const STOP_TIMEOUT_MS = 10_000

export interface RulePaths {
  /**
   * Of the chain. The rules only watch in both (`test-setup.ts`); in `block` the proxy refuses by itself what
   * cannot be read in one way only.
   */
  readonly mode: 'detect' | 'block'
  /** Folder (or file) of the rules. */
  readonly rules: string
  /** `crs-setup.conf`. */
  readonly setup: string
}

/** `portcullis inspect` with rules of CRS, in front of a server that answers as it is told. */
export interface InspectedServer {
  readonly port: number
  readonly errorLog: string
  readonly backend: ReflectServer
  stop(): Promise<void>
}

/**
 * Starts both, on free ports of this machine, with a folder of their own.
 *
 * In mode `detect`, messages that cannot be read in one way only pass; the server behind reads them with the
 * same parser and gives the refusal that the proxy gives in mode `block`.
 *
 * @throws with the process's last words when it does not listen
 */
export async function startInspectedServer(paths: RulePaths): Promise<InspectedServer> {
  const folder = mkdtempSync(join(tmpdir(), 'portcullis-verify-'))
  const backend = new ReflectServer()
  let child: ChildProcess | null = null
  const stop = async (): Promise<void> => {
    // The server first: then no connection is left that the other would wait for.
    await backend.close()
    if (child !== null) await end(child)
    rmSync(folder, { recursive: true, force: true })
  }
  try {
    const upstream = await backend.listen()
    const errorLog = join(folder, 'error.log')
    const testSetup = join(folder, 'test-setup.conf')
    writeFileSync(testSetup, TEST_SETUP)
    writeFileSync(errorLog, '')
    const waf = {
      type: 'waf',
      mode: paths.mode,
      setup: resolve(paths.setup),
      rules: [testSetup, resolve(paths.rules)],
    }
    const chain = { name: 'verify', inspectors: [waf], onFailure: 'closed' }
    writeFileSync(join(folder, 'chain.json'), JSON.stringify(chain))
    const inspect = ['inspect', '--listen', '127.0.0.1:0', '--upstream', `127.0.0.1:${upstream}`]
    const outputs = ['--workers', '1', '--error-log', errorLog, '--eve', join(folder, 'eve.json')]
    child = spawn(
      process.execPath,
      ['--disable-warning=ExperimentalWarning', MAIN, ...inspect, ...outputs].concat(
        '--chain',
        join(folder, 'chain.json'),
      ),
      { stdio: ['ignore', 'pipe', 'pipe'] },
    )
    return { port: await listeningPort(child), errorLog, backend, stop }
  } catch (error) {
    await stop()
    throw error
  }
}

/** Resolves when `portcullis inspect` says that it listens; rejects with its last words otherwise. */
export function listeningPort(child: ChildProcess): Promise<number> {
  let text = ''
  return new Promise((resolvePort, reject) => {
    const fail = (why: string): void => reject(new Error(`portcullis inspect ${why}:\n${text}`))
    const timer = setTimeout(() => fail('did not listen in time'), START_TIMEOUT_MS)
    const read = (chunk: Buffer): void => {
      text += chunk.toString()
      const port = /^listening on 127\.0\.0\.1:(\d+),/m.exec(text)?.[1]
      if (port === undefined) return
      clearTimeout(timer)
      resolvePort(Number(port))
    }
    child.stdout?.on('data', read)
    child.stderr?.on('data', read)
    child.once('error', (error) => fail(error.message))
    child.once('close', () => {
      clearTimeout(timer)
      fail('ended')
    })
  })
}

async function end(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return
  const ended = once(child, 'exit')
  child.kill('SIGTERM')
  const timer = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT_MS)
  await ended
  clearTimeout(timer)
}
