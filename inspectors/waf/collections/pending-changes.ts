import { toInteger } from '../transaction/arithmetic.ts'
import type { Change, Variable } from '../transaction/persistent-store.ts'
import { MAX_PENDING_BYTES, MAX_PENDING_VARIABLES } from './limits.ts'

/** What became of a variable since it was last told to the others, in as little as it takes. */
export interface PendingChange {
  base: 'keep' | 'set' | 'unset'
  value: string
  /** Added to what is there; 0 unless `base` is `keep`. */
  amount: number
  expiresAt: number | null
}

/**
 * Changes of one record by name in lower case: any number of them to a variable are one. Beyond its bounds further
 * variables are not told; only what is unset without having been there can come so far.
 */
export class PendingChanges {
  readonly #byName = new Map<string, PendingChange>()
  #bytes = 0

  get isEmpty(): boolean {
    return this.#byName.size === 0
  }

  /** Of names and values. */
  get bytes(): number {
    return this.#bytes
  }

  add(name: string, change: Change): void {
    const key = name.toLowerCase()
    let pending = this.#byName.get(key)
    if (pending === undefined) {
      const isFull = this.#byName.size >= MAX_PENDING_VARIABLES
      if (isFull || this.#bytes + key.length > MAX_PENDING_BYTES) return
      pending = { base: 'keep', value: '', amount: 0, expiresAt: null }
      this.#byName.set(key, pending)
      this.#bytes += key.length
    }
    this.#bytes -= pending.value.length
    gather(pending, change)
    this.#bytes += pending.value.length
  }

  /** All changes; there are none afterwards. */
  take(): [string, PendingChange][] {
    const changes = [...this.#byName]
    this.#byName.clear()
    this.#bytes = 0
    return changes
  }

  /** The variables with the changes on top, which those who told them do not know yet. */
  applyTo(variables: readonly Variable[], nowMs: number): Variable[] {
    const result = new Map(variables.map((one) => [one.name.toLowerCase(), { ...one }]))
    for (const [name, change] of this.#byName) {
      if (change.base === 'unset') {
        result.delete(name)
        continue
      }
      const known = result.get(name)
      if (known === undefined && change.base === 'keep' && change.amount === 0) continue
      const variable = known ?? { name, value: '0', expiresAt: Infinity, updatedAt: nowMs }
      if (change.base === 'set') variable.value = change.value
      else if (change.amount !== 0) {
        variable.value = String(toInteger(variable.value) + change.amount)
      }
      variable.updatedAt = nowMs
      if (change.expiresAt !== null) variable.expiresAt = change.expiresAt
      result.set(name, variable)
    }
    return [...result.values()]
  }
}

function gather(pending: PendingChange, change: Change): void {
  switch (change.kind) {
    case 'set':
      pending.base = 'set'
      pending.value = change.value
      pending.amount = 0
      return
    case 'add':
      if (pending.base === 'keep') pending.amount += change.amount
      else {
        pending.value = String(toInteger(pending.value) + change.amount)
        pending.base = 'set'
      }
      return
    case 'unset':
      pending.base = 'unset'
      pending.value = ''
      pending.amount = 0
      pending.expiresAt = null
      return
    case 'expire':
      pending.expiresAt = change.at
  }
}
