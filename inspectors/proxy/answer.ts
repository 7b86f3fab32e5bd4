import type { HttpTransaction } from '../http/transaction.ts'

/** What the client is told in place of the server's answer. Null status: only a FIN. */
export interface Answer {
  readonly status: number | null
  readonly location?: string
  readonly transaction: HttpTransaction | null
}

/**
 * True while answers to requests before this one are due.
 *
 * @param open     transactions that are not over, in their order
 * @param blocked  null: the request has no transaction, it comes after all
 */
export function owesEarlierAnswers(
  open: readonly HttpTransaction[],
  blocked: HttpTransaction | null,
): boolean {
  return open.some(
    (transaction) =>
      transaction !== blocked && (blocked === null || transaction.index < blocked.index),
  )
}
