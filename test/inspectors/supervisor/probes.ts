import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { AlertRecord } from '#chain/model/eve.ts'

/** Children of this process, from the kernel: workers as they are, not as the supervisor sees them. */
export function workerPids(): number[] {
  const text = readFileSync(`/proc/self/task/${process.pid}/children`, 'utf8').trim()
  return text === '' ? [] : text.split(' ').map(Number)
}

/** It has no configuration yet. */
export const isSpare = (pid: number): boolean =>
  readFileSync(`/proc/${pid}/cmdline`, 'latin1').includes('--spare')

/** Alerts on disk. */
export function spooled(folder: string): AlertRecord[] {
  return readdirSync(folder)
    .flatMap((name) => readFileSync(join(folder, name), 'utf8').split('\n'))
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as AlertRecord)
}
