import type { ChainFold } from '../chain/fold.ts'
import type { HttpExchangeParser } from '../http/exchange-parser.ts'
import type { HttpTransaction } from '../http/transaction.ts'
import { type Answer, owesEarlierAnswers } from './answer.ts'
import { blockPage } from './block-page.ts'
import { DEFERRED_BLOCK_MS } from './limits.ts'
import type { Link } from './link.ts'
import { connectionField } from './may-keep-open.ts'
import { CONTINUE, waitsForContinue } from './waits-for-continue.ts'

/** What answers of ours need of the flow they are given in. */
export interface AnsweredFlow {
  readonly link: Link
  readonly fold: ChainFold
  readonly parser: HttpExchangeParser
  /** No further event, byte or answer: the connection is over. */
  end(): void
  /** Client bytes are parsed again. */
  resumed(): void
}

interface Refusal {
  readonly answer: Answer & { readonly status: number; readonly transaction: HttpTransaction }
  /** End of what was received of the request. */
  readonly endOffset: number
  /** All of it was received. */
  readonly isEnded: boolean
  isGiven: boolean
  /** Its logging phase has run. */
  isLogged: boolean
}

/**
 * Answers in place of the server's, one at a time, in the order of the requests. The last of a connection
 * closes it. A refusal leaves it open: nothing of the request has left and none of it will, nothing is
 * parsed behind it before its answer is given, and then what follows is a request again.
 */
export class OwnAnswers {
  readonly #flow: AnsweredFlow
  #refusal: Refusal | null = null
  #last: Answer | null = null
  #lastMustWait = false
  #timer: NodeJS.Timeout | undefined

  constructor(flow: AnsweredFlow) {
    this.#flow = flow
  }

  /** A refused request is under way: its answer waits, or its rest is thrown away. */
  get isRefusing(): boolean {
    return this.#refusal !== null
  }

  /** True for a request whose logging phase ran when it was refused. */
  hasLogged(transaction: HttpTransaction): boolean {
    return this.#refusal?.isLogged === true && this.#refusal.answer.transaction === transaction
  }

  /**
   * A client that waits for 100 before its body would wait for ever: the server does not have the head
   * yet. So we say it. The server says it again later, which clients must bear (RFC 9110 section 15.2).
   */
  continueIfExpected(transaction: HttpTransaction): void {
    if (!waitsForContinue(transaction.request) || this.owesEarlier(transaction)) return
    this.#flow.link.client.write(CONTINUE)
  }

  /**
   * @param endOffset of the client's bytes that belong to the request and earlier ones
   * @param isEnded   all of the request was received
   */
  refuse(answer: Refusal['answer'], endOffset: number, isEnded: boolean): void {
    const refusal = { answer, endOffset, isEnded, isGiven: false, isLogged: false }
    this.#refusal = refusal
    this.#flow.parser.pauseClient()
    if (this.owesEarlier(answer.transaction)) this.#wait()
    else this.#log(refusal)
  }

  /**
   * The answer ends the connection.
   *
   * @param mustWait the server owes answers to earlier requests, which come first
   */
  setLast(answer: Answer, mustWait: boolean): void {
    this.#last = answer
    this.#lastMustWait = mustWait
    this.#flow.parser.pauseClient()
    if (mustWait) this.#wait()
  }

  /** True while the server owes answers to requests before this one. */
  owesEarlier(transaction: HttpTransaction | null): boolean {
    return owesEarlierAnswers(this.#flow.parser.openTransactions, transaction)
  }

  /** What was found is on disk and earlier bytes are written: gives the answer whose turn it is. */
  giveDue(): void {
    const refusal = this.#refusal
    const last = this.#last
    if (last !== null) {
      if (!this.#lastMustWait || !this.owesEarlier(last.transaction)) this.giveLast()
    } else if (refusal?.isGiven === false && !this.owesEarlier(refusal.answer.transaction)) {
      this.#giveRefusal(refusal)
    }
  }

  /** Also where earlier answers are owed: the server has gone. */
  giveLast(): void {
    const answer = this.#last
    if (answer === null) return
    const { link, fold } = this.#flow
    const requestId = answer.transaction?.id ?? fold.connection.id
    link.toClient.flush()
    this.#flow.end()
    link.answer(
      answer.status === null
        ? null
        : blockPage(
            { ...answer, status: answer.status, requestId, connection: 'close' },
            answer.transaction,
          ),
    )
  }

  /**
   * Throws away what was received of a refused request.
   *
   * @returns false when the request is not refused
   */
  skip(endOffset: number, isEnd: boolean): boolean {
    if (this.#refusal === null) return false
    this.#flow.link.toServer.skip(endOffset)
    if (isEnd) this.#refusal = null
    return true
  }

  /** The client broke off, or can no longer be understood, in a request that was answered. */
  get isAnswered(): boolean {
    return this.#refusal?.isGiven === true
  }

  stop(): void {
    clearTimeout(this.#timer)
    this.#last = null
  }

  #wait(): void {
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => {
      this.#flow.end()
      this.#flow.link.reset()
    }, DEFERRED_BLOCK_MS)
  }

  #log(refusal: Refusal): void {
    if (refusal.isLogged) return
    refusal.isLogged = true
    this.#flow.fold.refused(refusal.answer.transaction)
  }

  #giveRefusal(refusal: Refusal): void {
    clearTimeout(this.#timer)
    const { link, parser } = this.#flow
    const { client, server } = link
    const { answer, endOffset } = refusal
    const { transaction } = answer
    this.#log(refusal)
    refusal.isGiven = true
    if (!client.writable || !server.readable || !parser.isServerQuiet) {
      this.#last = answer
      this.giveLast()
      return
    }
    parser.answered(transaction)
    link.toServer.skip(endOffset)
    if (refusal.isEnded) this.#refusal = null
    const connection = connectionField(transaction)
    const page = blockPage({ ...answer, requestId: transaction.id, connection }, transaction)
    // Who does not read its answers is not given more.
    if (client.write(page, 'latin1')) this.#resume()
    else client.once('drain', () => this.#resume())
  }

  #resume(): void {
    this.#flow.parser.resumeClient()
    this.#flow.resumed()
  }
}
