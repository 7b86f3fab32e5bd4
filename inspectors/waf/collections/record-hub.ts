import { toInteger } from '../transaction/arithmetic.ts'
import { MAX_RECORD_BYTES, MAX_RECORD_VARIABLES } from '../transaction/persistent-store.ts'
import { MAX_KEPT_BYTES, MAX_KEPT_RECORDS } from './limits.ts'
import type { PendingChange } from './pending-changes.ts'
import type { KnownRecord, MergedRecord, RecordChanges } from './shared-records.ts'

/** What a record and a variable cost beside their names and values, about. */
const RECORD_BYTES = 200
const VARIABLE_BYTES = 100

interface KeptVariable {
  value: string
  expiresAt: number
  updatedAt: number
}

interface KeptRecord {
  readonly variables: Map<string, KeptVariable>
  readonly createdAt: number
  /** Gone then, unless it changes. */
  endsAt: number
  updates: number
  /** Of names and values. */
  bytes: number
}

/**
 * Records that the workers of one process tree share, merged as the script for Redis does it (`merge-script.ts`), in
 * memory. Within its bounds the records that were used last are kept.
 */
export class RecordHub {
  readonly #records = new Map<string, KeptRecord>()
  readonly #maxRecords: number
  readonly #maxBytes: number
  #bytes = 0
  #evicted = 0

  constructor(bounds: { readonly records?: number; readonly bytes?: number } = {}) {
    this.#maxRecords = bounds.records ?? MAX_KEPT_RECORDS
    this.#maxBytes = bounds.bytes ?? MAX_KEPT_BYTES
  }

  get size(): number {
    return this.#records.size
  }

  get bytes(): number {
    return this.#bytes
  }

  /** Records that were forgotten for want of room. */
  get evicted(): number {
    return this.#evicted
  }

  /** @returns what the record is now */
  merge(nowMs: number, { key, timeoutMs, changes }: RecordChanges): MergedRecord {
    let record = this.#records.get(key)
    if (record !== undefined) {
      this.#remove(key, record)
      if (record.endsAt <= nowMs) record = undefined
    }
    if (record === undefined) {
      record = { variables: new Map(), createdAt: nowMs, endsAt: 0, updates: 0, bytes: 0 }
    }
    for (const [name, change] of changes) merged(record, name, change, nowMs)
    const exists = record.updates > 0 || record.variables.size > 0
    if (!exists) return { variables: [], createdAt: null, updates: 0 }
    if (changes.length > 0) {
      record.updates += changes.length
      record.endsAt = nowMs + timeoutMs
    }
    this.#keep(key, record)
    return tellOf(record)
  }

  /** What was used last, as far as it goes into so many bytes. */
  recent(nowMs: number, maxBytes: number): KnownRecord[] {
    const known: KnownRecord[] = []
    let bytes = 0
    for (const [key, record] of [...this.#records].reverse()) {
      if (record.endsAt <= nowMs) continue
      bytes += costOf(key, record)
      if (bytes > maxBytes) break
      known.push([key, tellOf(record)])
    }
    return known
  }

  #keep(key: string, record: KeptRecord): void {
    this.#records.set(key, record)
    this.#bytes += costOf(key, record)
    for (const [oldest, old] of this.#records) {
      if (this.#records.size <= this.#maxRecords && this.#bytes <= this.#maxBytes) return
      this.#remove(oldest, old)
      this.#evicted += 1
    }
  }

  #remove(key: string, record: KeptRecord): void {
    this.#records.delete(key)
    this.#bytes -= costOf(key, record)
  }
}

const costOf = (key: string, { bytes, variables }: KeptRecord): number =>
  RECORD_BYTES + key.length + bytes + variables.size * VARIABLE_BYTES

const tellOf = ({ variables, createdAt, updates }: KeptRecord): MergedRecord => ({
  variables: [...variables].map(([name, variable]) => ({ name, ...variable })),
  createdAt,
  updates,
})

function merged(record: KeptRecord, name: string, change: PendingChange, nowMs: number): void {
  const { variables } = record
  const { base, value, amount, expiresAt } = change
  const known = variables.get(name)
  const isOver = known !== undefined && known.expiresAt <= nowMs
  if (known !== undefined && (base === 'unset' || isOver)) {
    variables.delete(name)
    record.bytes -= name.length + known.value.length
  }
  if (base === 'unset') return
  const before = isOver ? undefined : known
  if (base === 'set' || amount !== 0) {
    const next = base === 'set' ? value : String(toInteger(before?.value ?? '0') + amount)
    const more = next.length - (before === undefined ? -name.length : before.value.length)
    const hasPlace = before !== undefined || variables.size < MAX_RECORD_VARIABLES
    if (hasPlace && record.bytes + more <= MAX_RECORD_BYTES) {
      const ends = before?.expiresAt ?? Infinity
      variables.set(name, { value: next, expiresAt: ends, updatedAt: nowMs })
      record.bytes += more
    }
  }
  const now = variables.get(name)
  if (now !== undefined && expiresAt !== null) now.expiresAt = expiresAt
}
