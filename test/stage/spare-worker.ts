import { readFileSync } from 'node:fs'

/** True for a process that a supervisor keeps ready and that is no worker yet. */
export function isSpareWorker(pid: number): boolean {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'latin1').includes('--spare')
  } catch {
    return false
  }
}
