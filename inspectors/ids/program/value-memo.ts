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

  get size(): number {
    return this.#values.size
  }

  /** Null: the value was not seen, or long ago. */
  get(value: string): readonly CompiledRule[] | null {
    const place = placeOf(value)
    const recent = this.#recent[place]
    if (recent !== null && recent.value === value) return recent.rules
    const known = this.#values.get(value)
    if (known === undefined) return null
    this.#recent[place] = known
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
