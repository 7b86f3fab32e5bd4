import { type AlertMatch, MAX_MATCH_BYTES } from '#inspectors/inspector.ts'
import type { Captures } from '../operators/operator.ts'
import type { MatchedVariable } from '../transaction/matched-variable.ts'
import { MAX_HIT_MATCHES } from '../transaction/rule-hit.ts'
import type { Pipeline } from '../values/pipeline.ts'

/**
 * Matches of one rule, up to MAX_HIT_MATCHES. A chain that matches in its first link and not in the next leaves
 * no hit, so what a match looks like in an alert is made when the whole rule has matched.
 */
export class MatchList {
  #count = 0
  readonly #variables: MatchedVariable[] = []
  readonly #pipelines: Pipeline[] = []
  readonly #found: string[] = []
  readonly #offsets: number[] = []

  get isFull(): boolean {
    return this.#count === MAX_HIT_MATCHES
  }

  clear(): void {
    this.#count = 0
  }

  add(variable: MatchedVariable, captures: Captures, pipeline: Pipeline): void {
    const at = this.#count
    const { value } = variable
    // What an operator reports may be something else than bytes of the value (a fingerprint).
    const isPart = captures.count > 0 && value.startsWith(captures.groups[0], captures.offset)
    this.#variables[at] = variable
    this.#pipelines[at] = pipeline
    this.#found[at] = isPart ? captures.groups[0] : value
    this.#offsets[at] = isPart ? captures.offset : -1
    this.#count = at + 1
  }

  /** The matches as alerts tell them. */
  take(): AlertMatch[] {
    const matches: AlertMatch[] = []
    for (let at = 0; at < this.#count; at += 1) {
      const found = this.#found[at]
      matches.push({
        variable: this.#variables[at].name,
        valueLatin1: found.length > MAX_MATCH_BYTES ? found.slice(0, MAX_MATCH_BYTES) : found,
        offset: this.#offsets[at],
        transformations: this.#pipelines[at].names,
      })
    }
    return matches
  }
}
