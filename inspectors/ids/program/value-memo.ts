import type { CompiledRule } from './compiled-rule.ts'

/** Most values of one buffer that are remembered, and the longest of them. */
export const MAX_VALUES = 2048
export const MAX_VALUE_BYTES = 512

/** A value of a buffer, and the rules that it makes candidates. */
export interface RememberedValue {
  readonly value: string
  readonly rules: readonly CompiledRule[]
}

/** Values by place of their buffer among those of the group: the last ones of a connection are often the next ones. */
export interface RecentValues {
  readonly request: (RememberedValue | undefined)[]
  readonly response: (RememberedValue | undefined)[]
}

/**
 * The rules that values of one buffer make candidates. Programs send the same few values again and again: what was found
 * for one is found for all.
 */
export class ValueMemo {
  readonly #rules = new Map<string, RememberedValue>()

  get size(): number {
    return this.#rules.size
  }

  /** Undefined: the value was not seen, or long ago. */
  get(value: string): RememberedValue | undefined {
    return this.#rules.get(value)
  }

  /** @returns what is remembered; null: the value is too long */
  set(value: string, rules: readonly CompiledRule[]): RememberedValue | null {
    if (value.length > MAX_VALUE_BYTES) return null
    // Values made up by who wants the memo to grow leave room for those that come again.
    if (this.#rules.size >= MAX_VALUES) this.#rules.clear()
    // A copy: the value is a part of its whole head, which it would keep.
    const kept = Buffer.from(value, 'latin1').toString('latin1')
    const remembered = { value: kept, rules }
    this.#rules.set(kept, remembered)
    return remembered
  }
}
