import { writeSync } from 'node:fs'
import type { EveRecord } from './recorder.ts'

/** Characters that are gathered before they are written. */
const GATHERED = 65_536

/** Records as lines of JSON, written many at a time. */
export class EveFile {
  readonly #descriptor: number
  #lines = ''

  constructor(descriptor: number) {
    this.#descriptor = descriptor
  }

  write(record: EveRecord): void {
    this.#lines += `${JSON.stringify(record)}\n`
    if (this.#lines.length >= GATHERED) this.flush()
  }

  /** Has to be called at the end. */
  flush(): void {
    const bytes = Buffer.from(this.#lines, 'utf8')
    this.#lines = ''
    for (let at = 0; at < bytes.length;) at += writeSync(this.#descriptor, bytes, at)
  }
}
