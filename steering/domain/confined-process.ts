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
import { join } from 'node:path'
import type { RunCommand } from './command.ts'
import { DomainError } from './errors.ts'
import { NAMESPACE_FOLDER, namespaceProcesses } from './namespace.ts'

/**
 * A process of ours that looks at tenants' traffic: how it is started without any privilege, how a later agent
 * knows it again, and how it is ended. It is no child to wait for: it outlives the agent.
 *
 * It sees a file system of its own in which nothing of the machine is but what the constants below and its owner
 * name, so one that an attacker has taken over finds neither other tenants' spools nor sockets.
 */
export const VIEW_APP = '/app'
export const VIEW_RULES = '/rules'
export const VIEW_SPOOL = '/spool'
const VIEW_NODE = '/node'

/** `nobody`: what it runs as. */
const UID = 65_534
const GID = 65_534
/** Log of one process; beyond it the file is emptied. */
export const MAX_LOG_BYTES = 8_388_608

/** What makes of a command one without any privilege. */
const UNPRIVILEGED: readonly string[] = [
  'setpriv',
  `--reuid=${UID}`,
  `--regid=${GID}`,
  '--clear-groups',
  '--bounding-set=-all',
  '--inh-caps=-all',
  '--ambient-caps=-all',
  '--no-new-privs',
  '--',
]

const RECORD_FILE = 'process.json'
const LOG_FILE = 'process.log'
const LAST_WORDS_LINES = 3
const LAST_WORDS_CHARACTERS = 500
const KILL_WAIT_MS = 5000
const KILL_POLL_MS = 20

export interface ProcessFolders {
  /** Of this process: what it is told, log, record. Owned by root. */
  readonly run: string
  /** Written by it. */
  readonly spool: string
  /** Unpacked rule sets, content-addressed; shared by all, read only. */
  readonly rules: string
  /** Checkout of this project, read only. */
  readonly app: string
}

/** Which process it was; the start time tells it from a later one with the same id. */
export interface ProcessRecord {
  readonly pid: number
  readonly startTime: string
}

export interface ConfinedProcess {
  /** Network namespace that it runs in. */
  readonly namespace: string
  readonly folders: ProcessFolders
  /** Folder below `folders.run` that is made anew, and that it may write to; and where it sees it. */
  readonly own: { readonly folder: string; readonly at: string }
  /** Perl script that builds the view, opens what needs a privilege, and becomes the process. */
  readonly launcher: string
  /** Its arguments in front of the view, and those between the view and the command. */
  readonly before: readonly string[]
  readonly after: readonly string[]
  /** Script (a path as the process sees it) and its arguments. */
  readonly nodeArguments: readonly string[]
  /** What the script is to find in its own folder. */
  readonly files?: Readonly<Record<string, string>>
}

/** Starts a process in a namespace and records it in its run folder. */
export async function startConfined(process: ConfinedProcess): Promise<ProcessRecord> {
  const { folders } = process
  await prepareFolders(process)
  const log = await open(join(folders.run, LOG_FILE), 'a', 0o600)
  try {
    const [program, ...args] = commandLine(process)
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
    const startTime = startTimeOf(pid)
    if (startTime === null) throw new DomainError('SUPERVISOR_DIED', await lastWords(folders))
    const record = { pid, startTime }
    await writeFile(join(folders.run, RECORD_FILE), JSON.stringify(record))
    return record
  } finally {
    await log.close()
  }
}

function commandLine({
  namespace,
  folders,
  own,
  launcher,
  before,
  after,
  nodeArguments,
}: ConfinedProcess): readonly [string, ...string[]] {
  const view: [mode: 'ro' | 'rw', source: string, target: string][] = [
    ['ro', folders.app, VIEW_APP],
    ['ro', process.execPath, VIEW_NODE],
    ['ro', folders.rules, VIEW_RULES],
    ['rw', folders.spool, VIEW_SPOOL],
    ['rw', join(folders.run, own.folder), own.at],
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
    launcher,
    ...before,
    join(folders.run, 'root'),
    ...view.flat(),
    '--',
    ...after,
    ...UNPRIVILEGED,
    VIEW_NODE,
    '--disable-warning=ExperimentalWarning',
    ...nodeArguments,
  ]
}

async function prepareFolders({ folders, own, files = {} }: ConfinedProcess): Promise<void> {
  const ownFolder = join(folders.run, own.folder)
  await mkdir(folders.run, { recursive: true, mode: 0o700 })
  await mkdir(join(folders.run, 'root'), { recursive: true })
  await mkdir(folders.rules, { recursive: true, mode: 0o755 })
  await rm(ownFolder, { recursive: true, force: true })
  await mkdir(ownFolder)
  await mkdir(folders.spool, { recursive: true })
  for (const folder of [ownFolder, folders.spool]) {
    await chown(folder, UID, GID)
    await chmod(folder, 0o700)
  }
  for (const [name, text] of Object.entries(files))
    await writeFile(join(ownFolder, name), text, { mode: 0o644 })
  const log = join(folders.run, LOG_FILE)
  await rename(log, `${log}.1`).catch(() => {})
}

/** The process that an earlier agent recorded in the run folder, if it still lives. */
export async function recordedProcess({ run }: ProcessFolders): Promise<ProcessRecord | null> {
  let record: ProcessRecord
  try {
    record = JSON.parse(await readFile(join(run, RECORD_FILE), 'utf8')) as ProcessRecord
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
 * Ends every process in a namespace at once.
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

/** Keeps a process's log within its bound; it is written in append mode, so emptying it is safe. */
export async function boundLog({ run }: ProcessFolders): Promise<void> {
  const log = join(run, LOG_FILE)
  const bytes = statSync(log, { throwIfNoEntry: false })?.size ?? 0
  if (bytes > MAX_LOG_BYTES) await truncate(log, 0)
}

/** Out of a process's log: why it did not come up. */
export async function lastWords({ run }: ProcessFolders): Promise<string> {
  return causeOfDeath(await readFile(join(run, LOG_FILE), 'utf8').catch(() => ''))
}

/** The error that Node.js ended with, which a stack and a version follow; else the log's end. */
export function causeOfDeath(log: string): string {
  const lines = log.trim().split('\n')
  const error = lines.findLast((line) => /^\w*Error( \[\w+\])?: /.test(line))
  const words = error ?? lines.slice(-LAST_WORDS_LINES).join(' | ').slice(-LAST_WORDS_CHARACTERS)
  return words === ''
    ? 'it ended without a word'
    : `it ended: ${words.slice(0, LAST_WORDS_CHARACTERS)}`
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
