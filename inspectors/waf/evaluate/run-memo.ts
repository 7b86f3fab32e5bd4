import type { TxRun } from '../compile/program.ts'
import type { MatchedVariable } from '../transaction/matched-variable.ts'
import type { Transaction } from '../transaction/transaction.ts'
import type { DynamicVariables } from '../transaction/tx-store.ts'
import type { TextFacts } from '../values/text-facts.ts'
import type { Candidates } from './phase-gate.ts'

/** More values than these are not compared. */
const MAX_VALUES = 64

/**
 * What a row of rules made of TX the last time (`compile/tx-runs.ts`). It follows from the TX variables they
 * read, and from the values that the first link of a gated one looks at; if these are the same, so is the result.
 *
 * Variables whose names are made on the way are compared as a whole: none, or those that another row left.
 */
export class RunMemo {
  readonly #run: TxRun
  /** Position where it went on; -1: nothing is recorded. */
  #to = -1
  readonly #read: (string | undefined)[]
  readonly #written: (string | undefined)[]
  #dynamicBefore: DynamicVariables | null = null
  #dynamicAfter: DynamicVariables | null = null
  /** Null: the row matched no variable, and what was matched before it stays. */
  #matched: MatchedVariable | null = null
  readonly #names: string[] = []
  readonly #facts: (TextFacts | null)[] = []
  #matchedBefore: MatchedVariable | null = null

  constructor(run: TxRun) {
    this.#run = run
    this.#read = Array.from(run.reads, () => undefined)
    this.#written = Array.from(run.writes, () => undefined)
  }

  /**
   * Does to a transaction what the row did the last time.
   *
   * @returns position to go on at; -1: it may do something else
   */
  replay(transaction: Transaction, candidates: Candidates | null): number {
    if (this.#to < 0 || !this.#isSame(transaction, candidates)) return -1
    const { tx } = transaction
    const { writes } = this.#run
    for (let at = 0; at < writes.length; at += 1) tx.slots[writes[at]] = this.#written[at]
    const after = this.#dynamicAfter
    if (after !== null && after !== this.#dynamicBefore) tx.share(after)
    if (this.#matched !== null) transaction.matchedVariable = this.#matched
    return this.#to
  }

  #isSame({ tx }: Transaction, candidates: Candidates | null): boolean {
    const { reads } = this.#run
    if (tx.dynamic !== this.#dynamicBefore) return false
    for (let at = 0; at < reads.length; at += 1) {
      if (tx.slots[reads[at]] !== this.#read[at]) return false
    }
    if (candidates === null) return true
    if (candidates.length !== this.#facts.length) return false
    for (let at = 0; at < candidates.length; at += 1) {
      const { facts, name } = candidates.entries[at]
      if (facts !== this.#facts[at] || name !== this.#names[at]) return false
    }
    return true
  }

  /** Before the row is run. */
  begin(transaction: Transaction, candidates: Candidates | null): boolean {
    this.#to = -1
    const { tx } = transaction
    const { reads } = this.#run
    const count = candidates?.length ?? 0
    // Variables of this transaction alone will not be met again.
    if ((tx.dynamic !== null && !tx.isShared) || count > MAX_VALUES) return false
    this.#dynamicBefore = tx.dynamic
    for (let at = 0; at < reads.length; at += 1) this.#read[at] = tx.slots[reads[at]]
    this.#facts.length = 0
    this.#names.length = 0
    for (let at = 0; at < count; at += 1) {
      const { facts, name } = candidates!.entries[at]
      this.#facts.push(facts)
      this.#names.push(name)
    }
    this.#matchedBefore = transaction.matchedVariable
    return true
  }

  /** After it was run with nothing done but what is repeated. @param to position where it went on */
  end({ tx, matchedVariable }: Transaction, to: number): void {
    const { writes } = this.#run
    for (let at = 0; at < writes.length; at += 1) this.#written[at] = tx.slots[writes[at]]
    this.#dynamicAfter = tx.dynamic
    if (this.#dynamicAfter !== null) tx.share(this.#dynamicAfter)
    this.#matched = matchedVariable === this.#matchedBefore ? null : matchedVariable
    this.#matchedBefore = null
    this.#to = to
  }
}
