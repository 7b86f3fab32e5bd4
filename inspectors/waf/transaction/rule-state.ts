import type { Transaction } from './transaction.ts'

/** What rules made of a transaction, to be given to others. */
export class RuleState {
  readonly #slots: readonly (string | undefined)[]
  readonly #dynamic: Transaction['tx']['dynamic']
  readonly #engine: Transaction['engine']
  readonly #requestBodyAccess: boolean
  readonly #requestBodyLimit: number
  readonly #responseBodyAccess: boolean
  readonly #responseBodyLimit: number
  readonly #processor: Transaction['processor']
  readonly #forcesRequestBody: boolean
  readonly #removedRules: Transaction['removedRules']
  readonly #removedTargets: Transaction['removedTargets']
  readonly #allowed: Transaction['allowed']
  readonly #auditEngine: Transaction['auditEngine']
  readonly #auditParts: string
  readonly #highestSeverity: number
  readonly #matchedVariable: Transaction['matchedVariable']

  /** @param transaction of which `isRepeatable`; what it changes from now on is no part of the state */
  constructor(transaction: Transaction) {
    const { tx } = transaction
    this.#slots = tx.keep()
    this.#dynamic = tx.dynamic
    if (this.#dynamic !== null) tx.share(this.#dynamic)
    this.#engine = transaction.engine
    this.#requestBodyAccess = transaction.requestBodyAccess
    this.#requestBodyLimit = transaction.requestBodyLimit
    this.#responseBodyAccess = transaction.responseBodyAccess
    this.#responseBodyLimit = transaction.responseBodyLimit
    this.#processor = transaction.processor
    this.#forcesRequestBody = transaction.forcesRequestBody
    this.#removedRules = transaction.removedRules?.slice() ?? null
    this.#removedTargets = transaction.removedTargets?.slice() ?? null
    this.#allowed = transaction.allowed
    this.#auditEngine = transaction.auditEngine
    this.#auditParts = transaction.auditParts
    this.#highestSeverity = transaction.highestSeverity
    this.#matchedVariable = transaction.matchedVariable
  }

  give(transaction: Transaction): void {
    transaction.tx.take(this.#slots, this.#dynamic)
    transaction.engine = this.#engine
    transaction.requestBodyAccess = this.#requestBodyAccess
    transaction.requestBodyLimit = this.#requestBodyLimit
    transaction.responseBodyAccess = this.#responseBodyAccess
    transaction.responseBodyLimit = this.#responseBodyLimit
    transaction.processor = this.#processor
    transaction.forcesRequestBody = this.#forcesRequestBody
    transaction.removedRules = this.#removedRules === null ? null : this.#removedRules.slice()
    transaction.removedTargets = this.#removedTargets === null ? null : this.#removedTargets.slice()
    transaction.allowed = this.#allowed
    transaction.auditEngine = this.#auditEngine
    transaction.auditParts = this.#auditParts
    transaction.highestSeverity = this.#highestSeverity
    transaction.matchedVariable = this.#matchedVariable
  }
}

/** True when rules have told nothing, decided nothing, and kept nothing beyond the transaction. */
export function isRepeatable({
  hits,
  interception,
  records,
  environment,
  secrets,
}: Transaction): boolean {
  return (
    hits.length === 0 &&
    interception === null &&
    records === null &&
    environment === null &&
    secrets === null
  )
}
