import type { Diagnostics, SourcePosition } from '#signatures/seclang/diagnostic.ts'
import type { Rule, RuleSelection } from '#signatures/seclang/model.ts'
import { matchesSelection } from '#signatures/seclang/selection.ts'

/** Bit sets of rules for selections by id, tag or message; equal selections share one. */
export class RuleSelections {
  readonly #rules: readonly Rule[]
  readonly #diagnostics: Diagnostics
  readonly #known = new Map<string, Int32Array>()

  constructor(rules: readonly Rule[], diagnostics: Diagnostics) {
    this.#rules = rules
    this.#diagnostics = diagnostics
  }

  bits(selection: RuleSelection, position: SourcePosition): Int32Array {
    const key = JSON.stringify(selection)
    const known = this.#known.get(key)
    if (known !== undefined) return known
    const bits = new Int32Array(Math.max(1, Math.ceil(this.#rules.length / 32)))
    for (const [index, rule] of this.#rules.entries()) {
      if (matchesSelection(selection, rule.links, this.#diagnostics, position)) {
        bits[index >> 5] |= 1 << (index & 31)
      }
    }
    this.#known.set(key, bits)
    return bits
  }
}
