import type { CompiledPattern } from '#signatures/pcre/pattern.ts'
import type { XPathStep } from '#signatures/seclang/xpath.ts'

/** Which values of a collection are meant. */
export type CompiledSelector =
  | { readonly kind: 'all' }
  | { readonly kind: 'name'; readonly nameLower: string }
  | { readonly kind: 'regex'; readonly pattern: CompiledPattern }
  | { readonly kind: 'xpath'; readonly path: string; readonly steps: readonly XPathStep[] }

/** `ctl:ruleRemoveTargetBy*`: rules as a bit set over their indices, and what they lose. */
export interface TargetExclusion {
  readonly rules: Int32Array
  readonly targets: readonly {
    /** Name of the collection. */
    readonly collection: string
    readonly selector: CompiledSelector
  }[]
}

/** True when the bit of a rule is set. */
export function hasRule(rules: Int32Array, index: number): boolean {
  return (rules[index >> 5] & (1 << (index & 31))) !== 0
}
