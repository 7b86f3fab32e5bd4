import type { CompiledRule } from './compiled-rule.ts'

/** Most values of one buffer that are remembered, and the longest of them. */
export const MAX_VALUES = 2048
export const MAX_VALUE_BYTES = 512

/**
 * The rules that values of one buffer make candidates. Programs send the same few values again and again: what was found
 * for one is found for all.
 */
export class ValueMemo {
  readonly #rules = new Map<string, readonly CompiledRule[]>()

  get size(): number {
    return this.#rules.size
  }

  /** Undefined: the value was not seen, or long ago. */
  get(value: string): readonly CompiledRule[] | undefined {
    return this.#rules.get(value)
  }

  set(value: string, rules: readonly CompiledRule[]): void {
    if (value.length > MAX_VALUE_BYTES) return
    // Values made up by who wants the memo to grow leave room for those that come again.
    if (this.#rules.size >= MAX_VALUES) this.#rules.clear()
    // A copy: the value is a part of its whole head, which it would keep.
    this.#rules.set(Buffer.from(value, 'latin1').toString('latin1'), rules)
  }
}
