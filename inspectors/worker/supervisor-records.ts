import { ANSWER_TIMEOUT_MS } from '../waf/collections/limits.ts'
import type {
  MergedRecord,
  RecordChanges,
  SharedRecords,
} from '../waf/collections/shared-records.ts'
import type { RecordsAnswer, RecordsQuestion } from './protocol.ts'

interface Waiting {
  readonly id: number
  readonly count: number
  readonly resolve: (merged: readonly (MergedRecord | null)[]) => void
}

/** Records that the workers of a domain share in their supervisor, over the channel to it. One batch is out at a time. */
export class SupervisorRecords implements SharedRecords {
  readonly #tell: (question: RecordsQuestion) => void
  readonly #timeoutMs: number
  #lastId = 0
  #waiting: Waiting | null = null
  #isClosed = false

  constructor(tell: (question: RecordsQuestion) => void, timeoutMs = ANSWER_TIMEOUT_MS) {
    this.#tell = tell
    this.#timeoutMs = timeoutMs
  }

  get isReady(): boolean {
    return this.#waiting === null && !this.#isClosed && process.connected
  }

  merge(
    _nowMs: number,
    batch: readonly RecordChanges[],
  ): Promise<readonly (MergedRecord | null)[]> {
    const id = ++this.#lastId
    return new Promise((resolve) => {
      const timer = setTimeout(() => this.#settle(id, []), this.#timeoutMs)
      this.#waiting = {
        id,
        count: batch.length,
        resolve: (merged) => {
          clearTimeout(timer)
          resolve(merged)
        },
      }
      this.#tell({ type: 'records', id, batch })
    })
  }

  /** The supervisor's answer; one that came too late is nobody's. */
  hear({ id, merged }: RecordsAnswer): void {
    this.#settle(
      id,
      merged.map((one) => one && withEnds(one)),
    )
  }

  close(): void {
    this.#isClosed = true
    if (this.#waiting !== null) this.#settle(this.#waiting.id, [])
  }

  #settle(id: number, merged: readonly (MergedRecord | null)[]): void {
    const waiting = this.#waiting
    if (waiting?.id !== id) return
    this.#waiting = null
    waiting.resolve(Array.from({ length: waiting.count }, (_, index) => merged[index] ?? null))
  }
}

/** A record as it was before it went through JSON, which knows no infinity. */
export const withEnds = (record: MergedRecord): MergedRecord => ({
  ...record,
  variables: record.variables.map((variable) => ({
    ...variable,
    expiresAt: (variable.expiresAt as number | null) ?? Infinity,
  })),
})
