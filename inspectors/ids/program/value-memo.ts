import type { CompiledRule } from './compiled-rule.ts'

/** Most values of one buffer that are remembered, and the longest of them. */
export const MAX_VALUES = 2048
export const MAX_VALUE_BYTES = 512

/** Places of the values that came last: a table that hashes strings is asked for the others alone. */
const RECENT_PLACES = 2048

/** A value of a buffer, and the rules that it makes candidates. */
interface RememberedValue {
  readonly value: string
  readonly rules: readonly CompiledRule[]
}

/**
 * The rules that values of one buffer make candidates. Programs send the same few values again and again: what was found
 * for one is found for all.
 */
export class ValueMemo {
  readonly #values = new Map<string, RememberedValue>()
  readonly #recent: (RememberedValue | null)[] = Array.from({ length: RECENT_PLACES }, () => null)
  /**
   * The newest value as it came, with the head that it is a part of: the next is often the same string, which is told
   * without looking at its bytes.
   */
  #newest = ''
  #newestRules: readonly CompiledRule[] | null = null

  get size(): number {
    return this.#values.size
  }

  /** Null: the value was not seen, or long ago. */
  get(value: string): readonly CompiledRule[] | null {
    if (value === this.#newest && this.#newestRules !== null) return this.#newestRules
    const place = placeOf(value)
    let known = this.#recent[place] ?? undefined
    if (known === undefined || known.value !== value) {
      known = this.#values.get(value)
      if (known === undefined) return null
      this.#recent[place] = known
    }
    this.#newest = value
    this.#newestRules = known.rules
    return known.rules
  }

  /** Remembers the value unless it is too long. */
  set(value: string, rules: readonly CompiledRule[]): void {
    if (value.length > MAX_VALUE_BYTES) return
    // Values made up by who wants the memo to grow leave room for those that come again.
    if (this.#values.size >= MAX_VALUES) this.#values.clear()
    // A copy: the value is a part of its whole head, which it would keep.
    const kept = Buffer.from(value, 'latin1').toString('latin1')
    const remembered = { value: kept, rules }
    this.#values.set(kept, remembered)
    this.#recent[placeOf(kept)] = remembered
  }
}

/** By its length and three of its bytes, none of them the first, as values of one buffer often begin alike. */
function placeOf(value: string): number {
  const { length } = value
  if (length === 0) return 0
  const bytes =
    value.charCodeAt(length >> 2) +
    37 * value.charCodeAt(length >> 1) +
    1369 * value.charCodeAt(length - 1)
  return (bytes + 131 * length) % RECENT_PLACES
}
