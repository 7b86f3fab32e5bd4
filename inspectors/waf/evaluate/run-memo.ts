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
 * Variables whose names are made on the way are compared by there being none.
 */
export class RunMemo {
  readonly #run: TxRun
  #isRecorded = false
  readonly #read: (string | undefined)[]
  readonly #written: (string | undefined)[]
  #dynamic: DynamicVariables | null = null
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

  /** Does to a transaction what the row did the last time. @returns false when it may do something else */
  replay(transaction: Transaction, candidates: Candidates | null): boolean {
    if (!this.#isRecorded || !this.#isSame(transaction, candidates)) return false
    const { tx } = transaction
    const { writes } = this.#run
    for (let at = 0; at < writes.length; at += 1) tx.slots[writes[at]] = this.#written[at]
    if (this.#dynamic !== null) tx.share(this.#dynamic)
    if (this.#matched !== null) transaction.matchedVariable = this.#matched
    return true
  }

  #isSame({ tx }: Transaction, candidates: Candidates | null): boolean {
    const { reads } = this.#run
    if (tx.dynamic !== null) return false
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
    this.#isRecorded = false
    const { tx } = transaction
    const { reads } = this.#run
    const count = candidates?.length ?? 0
    if (tx.dynamic !== null || count > MAX_VALUES) return false
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

  /** After it was run to its end, with nothing done but what is repeated. */
  end({ tx, matchedVariable }: Transaction): void {
    const { writes } = this.#run
    for (let at = 0; at < writes.length; at += 1) this.#written[at] = tx.slots[writes[at]]
    this.#dynamic = tx.dynamic
    if (this.#dynamic !== null) tx.share(this.#dynamic)
    this.#matched = matchedVariable === this.#matchedBefore ? null : matchedVariable
    this.#matchedBefore = null
    this.#isRecorded = true
  }
}
