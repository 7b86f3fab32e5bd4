import { spawn } from 'node:child_process'
import { chmod, chown, mkdir, open, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Value } from 'typebox/value'
import { type TapConfig, TapStatus } from '#chain/model/tap.ts'
import { DomainError } from '../domain/errors.ts'
import { NAMESPACE_FOLDER } from '../domain/namespace.ts'
import {
  type ProcessRecord,
  type SupervisorFolders,
  UNPRIVILEGED,
  VIEW_APP,
  VIEW_NODE,
  VIEW_RULES,
  VIEW_SPOOL,
  WORKER_GID,
  WORKER_UID,
  recordProcess,
} from '../domain/supervisor-process.ts'
import { TAP_INTERFACE } from './tap-namespace.ts'

/** Where the process sees its folder, and the files in it. */
export const VIEW_TAP = '/tap'
export const CONFIG_FILE = 'config.json'
export const STATUS_FILE = 'status.json'
/** Bytes of a packet that are kept: a frame of the largest size, before it is cut by a card. */
export const SNAP_BYTES = 262_144
/** Room for packets that wait in the kernel, KiB. */
const CAPTURE_BUFFER_KIB = 8192
/** Whom tcpdump becomes once the interface is open. */
const CAPTURE_USER = 'nobody'

const LAUNCHER = fileURLToPath(new URL('launch-tap.pl', import.meta.url))

/** Folder of a tap that its process may write to. */
export const tapFolder = (folders: SupervisorFolders): string => join(folders.run, 'tap')

/**
 * Starts tcpdump and the process that reads it, in a namespace, and records the latter in the run folder. It
 * outlives the agent.
 *
 * @param filter pcap-filter expression; empty: everything
 */
export async function startTap(
  namespace: string,
  folders: SupervisorFolders,
  config: TapConfig,
  filter: string,
): Promise<ProcessRecord> {
  const tap = tapFolder(folders)
  await mkdir(folders.run, { recursive: true, mode: 0o700 })
  await mkdir(join(folders.run, 'root'), { recursive: true })
  await mkdir(folders.rules, { recursive: true, mode: 0o755 })
  await rm(tap, { recursive: true, force: true })
  await mkdir(tap)
  await mkdir(folders.spool, { recursive: true })
  for (const folder of [tap, folders.spool]) {
    await chown(folder, WORKER_UID, WORKER_GID)
    await chmod(folder, 0o700)
  }
  await writeFile(join(tap, CONFIG_FILE), JSON.stringify(config), { mode: 0o644 })
  const logFile = join(folders.run, 'tap.log')
  await rename(logFile, `${logFile}.1`).catch(() => {})
  const log = await open(logFile, 'a', 0o600)
  try {
    const [program, ...args] = commandLine(namespace, folders, filter)
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
    const record = await recordProcess(folders.run, pid)
    if (record === null) throw new DomainError('SUPERVISOR_DIED', 'the tap ended at once')
    return record
  } finally {
    await log.close()
  }
}

/** What a tap last told of itself; null: nothing that can be read. */
export async function readTapStatus(folders: SupervisorFolders): Promise<TapStatus | null> {
  try {
    const text = await readFile(join(tapFolder(folders), STATUS_FILE), 'utf8')
    const value: unknown = JSON.parse(text)
    return Value.Check(TapStatus, value) ? value : null
  } catch {
    return null
  }
}

function commandLine(
  namespace: string,
  folders: SupervisorFolders,
  filter: string,
): readonly [string, ...string[]] {
  const view = [
    ['ro', folders.app, VIEW_APP],
    ['ro', process.execPath, VIEW_NODE],
    ['ro', folders.rules, VIEW_RULES],
    ['rw', folders.spool, VIEW_SPOOL],
    ['rw', tapFolder(folders), VIEW_TAP],
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
    join(folders.run, 'root'),
    ...view.flat(),
    '--',
    'tcpdump',
    '-i',
    TAP_INTERFACE,
    '-n',
    '-U',
    '-w',
    '-',
    '-Z',
    CAPTURE_USER,
    '-s',
    String(SNAP_BYTES),
    '-B',
    String(CAPTURE_BUFFER_KIB),
    ...(filter === '' ? [] : [filter]),
    '--',
    ...UNPRIVILEGED,
    VIEW_NODE,
    '--disable-warning=ExperimentalWarning',
    `${VIEW_APP}/inspectors/main.ts`,
    'tap',
    '--config',
    `${VIEW_TAP}/${CONFIG_FILE}`,
    '--capture-pid',
  ]
}
