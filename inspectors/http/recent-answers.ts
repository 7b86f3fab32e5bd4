import type { HttpLimits } from './limits.ts'
import type { HttpResponseHead } from './transaction.ts'

/** Each is compared with a head: by its length first, which mostly settles it. */
const MAX_ANSWERS = 8
/** Longer heads are not remembered. */
const MAX_HEAD_BYTES = 4096

interface Answer {
  readonly head: HttpResponseHead
  readonly method: string
  readonly limits: HttpLimits
}

/**
 * The heads of responses that came last, of those that were accepted with nothing noted of them. Servers answer with
 * the same bytes again and again (their clock ticks once in a second), and to compare a head with one that was read is
 * cheaper than to read it. Shared by the connections of a worker.
 */
export class RecentAnswers {
  /** The one met last at the beginning. */
  readonly #answers: Answer[] = []

  /**
   * @param text whole head, latin1
   * @param method of the request that is answered
   * @returns null: not remembered
   */
  find(text: string, method: string, limits: HttpLimits): HttpResponseHead | null {
    const answers = this.#answers
    for (let at = 0; at < answers.length; at++) {
      const answer = answers[at]
      if (answer.head.rawLatin1 !== text) continue
      if (answer.method !== method || answer.limits !== limits) continue
      if (at > 0) {
        answers[at] = answers[at - 1]
        answers[at - 1] = answer
      }
      return answer.head
    }
    return null
  }

  /** @param head that was not found, and was accepted with nothing noted of it */
  keep(head: HttpResponseHead, method: string, limits: HttpLimits): void {
    if (head.rawLatin1.length > MAX_HEAD_BYTES) return
    this.#answers.unshift({ head, method, limits })
    if (this.#answers.length > MAX_ANSWERS) this.#answers.pop()
  }
}
