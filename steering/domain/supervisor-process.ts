import { spawn } from 'node:child_process'
import {
  chmod,
  chown,
  mkdir,
  open,
  readFile,
  rename,
  rm,
  truncate,
  writeFile,
} from 'node:fs/promises'
import { readFileSync, statSync } from 'node:fs'
import { setPriority } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type RunCommand } from './command.ts'
import { DomainError } from './errors.ts'
import {
  INNER_INTERFACE,
  NAMESPACE_FOLDER,
  TRANSPARENT_PORT,
  namespaceProcesses,
} from './namespace.ts'

/**
 * The supervisor as a process of this machine: how it is started without any privilege, how a later
 * agent knows it again, and how it is ended. It is no child to wait for: it outlives the agent.
 *
 * It sees a file system of its own in which nothing of the machine is but what the constants below
 * name, so a worker that an attacker has taken over finds neither other tenants' spools nor sockets.
 */
export const VIEW_APP = '/app'
export const VIEW_RULES = '/rules'
export const VIEW_SPOOL = '/spool'
export const VIEW_CONTROL = '/control'
export const VIEW_NODE = '/node'
export const CONTROL_SOCKET = 'control.sock'

/** `nobody`: what supervisor and workers run as. */
export const WORKER_UID = 65_534
export const WORKER_GID = 65_534
/** Log of one supervisor; beyond it the file is emptied. */
export const MAX_SUPERVISOR_LOG_BYTES = 8_388_608

/** What makes of a command one without any privilege. */
export const UNPRIVILEGED: readonly string[] = [
  'setpriv',
  `--reuid=${WORKER_UID}`,
  `--regid=${WORKER_GID}`,
  '--clear-groups',
  '--bounding-set=-all',
  '--inh-caps=-all',
  '--ambient-caps=-all',
  '--no-new-privs',
  '--',
]

const LAUNCHER = fileURLToPath(new URL('launch-supervisor.pl', import.meta.url))
const ACCEPT_BACKLOG = 4096
const SUPERVISOR_NICE = -10
const KILL_WAIT_MS = 5000
const KILL_POLL_MS = 20

export interface SupervisorFolders {
  /** Of this domain: control socket, log, process record. Owned by root. */
  readonly run: string
  /** Written by the workers. */
  readonly spool: string
  /** Unpacked rule sets, content-addressed; shared by all domains, read only. */
  readonly rules: string
  /** Checkout of this project, read only. */
  readonly app: string
}

/** Which process it was; the start time tells it from a later one with the same id. */
export interface ProcessRecord {
  readonly pid: number
  readonly startTime: string
}

export function controlSocketPath(folders: SupervisorFolders): string {
  return join(folders.run, 'control', CONTROL_SOCKET)
}

/**
 * Starts a supervisor in a namespace and records it in its run folder.
 *
 * @param nodeArguments script (a path as the supervisor sees it) and its arguments
 */
export async function startSupervisor(
  namespace: string,
  folders: SupervisorFolders,
  nodeArguments: readonly string[],
): Promise<ProcessRecord> {
  await prepareFolders(folders)
  const log = await open(join(folders.run, 'supervisor.log'), 'a', 0o600)
  try {
    const [program, ...args] = commandLine(namespace, folders, nodeArguments)
    const child = spawn(program, args, {
      cwd: '/',
      detached: true,
      stdio: ['ignore', log.fd, log.fd],
      env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', HOME: '/' },
    })
    const pid = await new Promise<number>((resolve, reject) => {
      child.once('error', reject)
      child.once('spawn', () => resolve(child.pid as number))
    })
    child.unref()
    prefer(pid)
    const record = await recordProcess(folders.run, pid)
    if (record === null) throw new DomainError('SUPERVISOR_DIED', await lastWords(folders))
    return record
  } finally {
    await log.close()
  }
}

/** Notes in a run folder which process runs for it. @returns null when it has ended */
export async function recordProcess(runFolder: string, pid: number): Promise<ProcessRecord | null> {
  const startTime = startTimeOf(pid)
  if (startTime === null) return null
  const record = { pid, startTime }
  await writeFile(join(runFolder, 'process.json'), JSON.stringify(record))
  return record
}

/**
 * A supervisor runs before busy workers, so that it tells at once of one that died, and so that its own
 * death is over, and heard of, before theirs. Its workers run as everybody does.
 */
function prefer(pid: number): void {
  try {
    setPriority(pid, SUPERVISOR_NICE)
  } catch {
    // not allowed: as it is
  }
}

function commandLine(
  namespace: string,
  folders: SupervisorFolders,
  nodeArguments: readonly string[],
): readonly [string, ...string[]] {
  const view: [mode: 'ro' | 'rw', source: string, target: string][] = [
    ['ro', folders.app, VIEW_APP],
    ['ro', process.execPath, VIEW_NODE],
    ['ro', folders.rules, VIEW_RULES],
    ['rw', folders.spool, VIEW_SPOOL],
    ['rw', join(folders.run, 'control'), VIEW_CONTROL],
  ]
  return [
    'prlimit',
    '--core=0',
    '--',
    'nsenter',
    `--net=${NAMESPACE_FOLDER}/${namespace}`,
    '--',
    'unshare',
    '--mount',
    '--propagation',
    'private',
    '--',
    'perl',
    LAUNCHER,
    String(TRANSPARENT_PORT),
    String(ACCEPT_BACKLOG),
    INNER_INTERFACE,
    join(folders.run, 'root'),
    ...view.flat(),
    '--',
    ...UNPRIVILEGED,
    VIEW_NODE,
    '--disable-warning=ExperimentalWarning',
    ...nodeArguments,
  ]
}

async function prepareFolders(folders: SupervisorFolders): Promise<void> {
  const control = join(folders.run, 'control')
  await mkdir(folders.run, { recursive: true, mode: 0o700 })
  await mkdir(join(folders.run, 'root'), { recursive: true })
  await mkdir(folders.rules, { recursive: true, mode: 0o755 })
  await rm(control, { recursive: true, force: true })
  await mkdir(control)
  await mkdir(folders.spool, { recursive: true })
  for (const folder of [control, folders.spool]) {
    await chown(folder, WORKER_UID, WORKER_GID)
    await chmod(folder, 0o700)
  }
  const log = join(folders.run, 'supervisor.log')
  await rename(log, `${log}.1`).catch(() => {})
}

/** The process that an earlier agent recorded in the run folder, if it still lives. */
export async function recordedSupervisor(runFolder: string): Promise<ProcessRecord | null> {
  let record: ProcessRecord
  try {
    record = JSON.parse(await readFile(join(runFolder, 'process.json'), 'utf8')) as ProcessRecord
  } catch {
    return null
  }
  return isAlive(record) ? record : null
}

/** False for a process that ended, a zombie included, and for another one with the same id. */
export function isAlive(record: ProcessRecord): boolean {
  return Number.isInteger(record.pid) && startTimeOf(record.pid) === record.startTime
}

/**
 * Ends every process in the namespace, supervisor and workers, at once.
 *
 * @throws DomainError `COMMAND_FAILED` when one is still there after five seconds
 */
export async function killNamespace(run: RunCommand, namespace: string): Promise<void> {
  const deadline = Date.now() + KILL_WAIT_MS
  for (;;) {
    const pids = await namespaceProcesses(run, namespace)
    if (pids.length === 0) return
    if (Date.now() > deadline)
      throw new DomainError(
        'COMMAND_FAILED',
        `${namespace}: processes ${pids.join(', ')} do not end`,
      )
    for (const pid of pids) {
      try {
        process.kill(pid, 'SIGKILL')
      } catch {
        // ended meanwhile
      }
    }
    await new Promise((resolve) => setTimeout(resolve, KILL_POLL_MS))
  }
}

/** Keeps a supervisor's log within its bound; it is written in append mode, so emptying it is safe. */
export async function boundLog(runFolder: string): Promise<void> {
  const log = join(runFolder, 'supervisor.log')
  const bytes = statSync(log, { throwIfNoEntry: false })?.size ?? 0
  if (bytes > MAX_SUPERVISOR_LOG_BYTES) await truncate(log, 0)
}

/** The end of a supervisor's log: why it did not come up. */
export async function lastWords(folders: SupervisorFolders): Promise<string> {
  const text = await readFile(join(folders.run, 'supervisor.log'), 'utf8').catch(() => '')
  const lines = text.trim().split('\n').slice(-3).join(' | ').slice(-500)
  return lines === '' ? 'the supervisor ended without a word' : `the supervisor ended: ${lines}`
}

/** Field 22 of /proc/PID/stat, or null when there is no such process or it is a zombie. */
function startTimeOf(pid: number): string | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return fields[0] === 'Z' || fields[0] === 'X' ? null : (fields[19] ?? null)
  } catch {
    return null
  }
}
