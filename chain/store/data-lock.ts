import { closeSync, mkdirSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs'
import { join } from 'node:path'

interface Owner {
  readonly pid: number
  /** Start time in clock ticks (`/proc/PID/stat` field 22): tells a reused pid from the owner. */
  readonly started: string
}

/**
 * Takes a data folder for this process: two managers on one folder would destroy each other's files.
 * The lock of a process that is gone is taken over.
 *
 * @returns a function that gives the folder back
 * @throws Error that names the process that has it
 */
export function lockData(folder: string): () => void {
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const file = join(folder, 'manager.lock')
  for (let attempt = 0; attempt < 3; attempt++) {
    try {
      const descriptor = openSync(file, 'wx', 0o600)
      const owner: Owner = { pid: process.pid, started: startTime(process.pid) ?? '' }
      writeSync(descriptor, JSON.stringify(owner))
      closeSync(descriptor)
      return () => rmSync(file, { force: true })
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
      const owner = readOwner(file)
      if (owner !== null && startTime(owner.pid) === owner.started) {
        throw new Error(
          `another manager (pid ${owner.pid}) has the data folder ${folder}: ` +
            'stop it, or choose another --data folder',
          { cause: error },
        )
      }
      rmSync(file, { force: true })
    }
  }
  throw new Error(`the data folder ${folder} could not be locked`)
}

function readOwner(file: string): Owner | null {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Owner
  } catch {
    return null
  }
}

function startTime(pid: number): string | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
    // The second field is the command in parentheses and may hold blanks.
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? null
  } catch {
    return null
  }
}
