import type { Ast } from './ast.ts'
import type { Engine } from './engine.ts'
import { Interpreter } from './interpreter.ts'
import { assemble } from './program.ts'

/** Steps one search may take: a millisecond or two. PCRE's users set its match limit to thousands. */
export const MAX_STEPS = 200_000
/** Searches for a candidate; after so many each further offset is tried by the interpreter. */
const MAX_CANDIDATES = 32
/** Steps that a search for a candidate counts as, beside what it ran over. */
const CANDIDATE_STEPS = 16

/**
 * Runs what no linear engine can. A linear pattern that matches wherever the real one does (and more)
 * finds the offsets worth trying; the interpreter decides each within one budget for the whole search.
 */
export class BudgetEngine implements Engine {
  readonly #candidates: Engine
  readonly #interpreter: Interpreter
  readonly #sticky: boolean
  #value = ''
  #start = -1
  end = -1
  exhausted = false

  constructor(ast: Ast, candidates: Engine, sticky: boolean) {
    this.#candidates = candidates
    this.#interpreter = new Interpreter(assemble(ast))
    this.#sticky = sticky
  }

  test(value: string, from: number): boolean {
    return this.#search(value, from) >= 0
  }

  exec(value: string, from: number): number {
    this.#start = this.#search(value, from)
    this.#value = this.#start < 0 ? '' : value
    return this.#start
  }

  capture(group: number): string | null {
    if (this.end < 0) return null
    const start = this.#interpreter.start(group)
    return start < 0 ? null : this.#value.slice(start, this.#interpreter.end(group))
  }

  #search(value: string, from: number): number {
    let budget = MAX_STEPS
    this.exhausted = false
    this.end = -1
    for (let at = from, tries = 0; at <= value.length; at += 1, tries += 1) {
      let start = at
      if (tries < MAX_CANDIDATES) {
        start = this.#candidates.exec(value, at)
        if (start < 0) return -1
        budget -= CANDIDATE_STEPS + (this.#candidates.end - at)
      }
      const end = this.#interpreter.run(value, start, budget)
      budget -= this.#interpreter.steps
      if (this.#interpreter.exhausted || budget <= 0) {
        this.exhausted = true
        return -1
      }
      if (end >= 0) {
        this.end = end
        return start
      }
      if (this.#sticky) return -1
      at = start
    }
    return -1
  }
}
