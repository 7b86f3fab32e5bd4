import { readFile, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { mustRun, runCommand } from './run-command.ts'
import { waitUntil } from './wait-until.ts'

/** Folder names in the temporary folder, and namespace names, of every topology. */
export const FOLDER_PREFIX = 'portcullis-topology-'
export const NAMESPACE_PREFIX = 'pct-'
const OWNER_FILE = 'owner.json'

interface Owner {
  readonly pid: number
  /** Field 22 of /proc/PID/stat: tells a process from a later one with its number. */
  readonly startTime: string
}

export const namespacePrefix = (folder: string): string =>
  `${NAMESPACE_PREFIX}${folder.slice(folder.lastIndexOf('-') + 1)}-`

export async function writeOwner(folder: string): Promise<void> {
  const owner: Owner = { pid: process.pid, startTime: (await startTimeOf(process.pid))! }
  await writeFile(join(folder, OWNER_FILE), JSON.stringify(owner))
}

/** Removes topologies whose process is gone: their daemons, namespaces and folders. */
export async function removeLeftovers(): Promise<string[]> {
  const removed: string[] = []
  for (const name of await readdir(tmpdir())) {
    if (!name.startsWith(FOLDER_PREFIX)) continue
    const folder = join(tmpdir(), name)
    if (await isOwned(folder)) continue
    await removeTopology(folder)
    removed.push(folder)
  }
  return removed
}

/** Ends everything that runs in the topology's namespaces, then removes them and the folder. */
export async function removeTopology(folder: string): Promise<void> {
  const prefix = namespacePrefix(folder)
  const list = async (): Promise<string[]> =>
    (await mustRun(['ip', 'netns', 'list']))
      .split('\n')
      .map((line) => line.split(' ')[0])
      .filter((name) => name.startsWith(prefix))
  for (const namespace of await list()) await killNamespace(namespace)
  for (const namespace of await list()) await runCommand(['ip', 'netns', 'delete', namespace])
  await rm(folder, { recursive: true, force: true })
}

/** Ends every process in a namespace and waits until none is left. */
export async function killNamespace(namespace: string): Promise<void> {
  await waitUntil(`the processes of ${namespace} to end`, async () => {
    const { stdout } = await runCommand(['ip', 'netns', 'pids', namespace])
    const pids = stdout.split('\n').filter((line) => line !== '')
    for (const pid of pids) endProcess(Number(pid))
    return pids.length === 0
  })
}

function endProcess(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}

async function isOwned(folder: string): Promise<boolean> {
  try {
    const owner = JSON.parse(await readFile(join(folder, OWNER_FILE), 'utf8')) as Owner
    return (await startTimeOf(owner.pid)) === owner.startTime
  } catch {
    return false
  }
}

async function startTimeOf(pid: number): Promise<string | null> {
  try {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8')
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? null
  } catch {
    return null
  }
}
