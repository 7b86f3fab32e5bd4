import type { CompiledRule } from './compiled-rule.ts'

/** Longer lists are left to the engine's sort. */
const FEW = 24

/** Collects candidates of one evaluation, each once, without allocating per event. */
export class CandidateList {
  readonly rules: CompiledRule[] = []
  readonly #stamps: Uint32Array
  #stamp = 0

  constructor(ruleCount: number) {
    this.#stamps = new Uint32Array(ruleCount)
  }

  clear(): void {
    const { rules } = this
    // Setting the length to 0 gives the memory back, and the next rule allocates it anew.
    if (rules.length > FEW) rules.length = 0
    else while (rules.length > 0) rules.pop()
    this.#stamp += 1
    if (this.#stamp === 0xffff_ffff) {
      this.#stamps.fill(0)
      this.#stamp = 1
    }
  }

  add(rule: CompiledRule): void {
    if (this.#stamps[rule.index] === this.#stamp) return
    this.#stamps[rule.index] = this.#stamp
    this.rules.push(rule)
  }

  /** Evaluation order. */
  sort(): void {
    const { rules } = this
    if (rules.length > FEW) {
      rules.sort(byIndex)
      return
    }
    for (let index = 1; index < rules.length; index += 1) {
      const rule = rules[index]
      let at = index
      for (; at > 0 && rules[at - 1].index > rule.index; at -= 1) rules[at] = rules[at - 1]
      rules[at] = rule
    }
  }
}

function byIndex(left: CompiledRule, right: CompiledRule): number {
  return left.index - right.index
}
