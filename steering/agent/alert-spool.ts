import { mkdir, open, rename } from 'node:fs/promises'
import { join } from 'node:path'
import type { AlertRecord } from '#chain/model/eve.ts'
import { SPOOL_FINISHED_SUFFIX, SPOOL_OPEN_SUFFIX, spoolSegmentName } from '#chain/model/spool.ts'

/**
 * The agent's own alerts, in a spool folder of the same form as the workers'. They are few: each batch
 * is one finished segment, fsynced before it gets its name.
 */
export class AlertSpool {
  readonly #folder: string
  #sequence = 0

  constructor(folder: string) {
    this.#folder = folder
  }

  async append(records: readonly AlertRecord[]): Promise<void> {
    if (records.length === 0) return
    await mkdir(this.#folder, { recursive: true, mode: 0o700 })
    const name = join(
      this.#folder,
      spoolSegmentName(Date.now(), process.pid, ++this.#sequence % 1e6),
    )
    const file = await open(name + SPOOL_OPEN_SUFFIX, 'wx', 0o600)
    try {
      await file.writeFile(records.map((record) => `${JSON.stringify(record)}\n`).join(''))
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(name + SPOOL_OPEN_SUFFIX, name + SPOOL_FINISHED_SUFFIX)
  }
}
