import type { Transaction } from '../transaction/transaction.ts'
import { coversPath, type Exclusions } from '../values/exclusions.ts'

/** Applies what the chain's settings leave out of this transaction; rules may leave out more. */
export function leaveOut({ targets, atPaths }: Exclusions, transaction: Transaction): void {
  if (targets.length > 0) transaction.removedTargets = [...targets]
  for (let index = 0; index < atPaths.length; index += 1) {
    const exclusion = atPaths[index]
    if (!coversPath(exclusion.path, transaction.target.path)) continue
    if (exclusion.rules !== null) removeRules(exclusion.rules, transaction)
    if (exclusion.targets !== null) {
      transaction.removedTargets ??= []
      transaction.removedTargets.push(exclusion.targets)
    }
  }
}

/** Leaves out all rules of a bit set for the rest of the transaction. */
export function removeRules(rules: Int32Array, transaction: Transaction): void {
  if (transaction.removedRules === null) {
    transaction.removedRules = rules.slice()
    return
  }
  for (let word = 0; word < rules.length; word += 1) transaction.removedRules[word] |= rules[word]
}
