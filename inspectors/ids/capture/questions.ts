import type { HttpTransaction } from '#inspectors/http/transaction.ts'
import type { Flow, Verdict } from '#inspectors/inspector.ts'
import type { EncryptionHandling } from '../configuration/replay-settings.ts'
import type { IdsConnection } from '../connection.ts'

/** Questions of one direction that wait for its next packet; then they are put at once. */
const MAX_LATER = 1024

export type HttpQuestion =
  | 'request-head'
  | 'request-body'
  | 'request-end'
  | 'response-head'
  | 'response-body'
  | 'response-end'
  | 'transaction-end'

/** One shape for all, as most have to wait. */
interface Question {
  readonly kind: HttpQuestion | 'stream' | 'other'
  readonly transaction: HttpTransaction | null
  readonly bytes: Buffer | null
  readonly isLast: boolean
  readonly ask: (() => Verdict) | null
  /** Of one that waits: how many do, up to it. */
  waiting: number
  /** Of one that waits: the one behind it; of the newest, the oldest. */
  next: Question | null
}

export interface QuestionOptions {
  /** They are put as they come. */
  readonly isNow: boolean
  /** Bytes that are asked about stay as they are. */
  readonly holdsPackets: boolean
  readonly encryption: EncryptionHandling
}

/**
 * What the rules are asked about one flow, in order.
 *
 * Where traffic is watched, what a packet lets go belongs to the other direction: as Suricata has it, rules see it with
 * the next packet of its own.
 */
export class Questions {
  readonly #ids: IdsConnection
  readonly #options: QuestionOptions
  /** The newest that waits, of each direction; null: none does. */
  #laterToServer: Question | null = null
  #laterToClient: Question | null = null
  #isFinishing = false
  /** Direction of the packet that is being looked at. */
  #flow: Flow = 'to_server'
  #hasCaughtUp = false
  /** Its bytes cannot be read any more: rules about packets alone are left. */
  isEncrypted = false

  constructor(ids: IdsConnection, options: QuestionOptions) {
    this.#ids = ids
    this.#options = options
  }

  /** False: a chunk that is asked about may have to be kept. */
  get isNow(): boolean {
    return this.#options.isNow || this.#isFinishing
  }

  /** Nothing waits. */
  get isIdle(): boolean {
    return this.#laterToServer === null && this.#laterToClient === null
  }

  /** A packet of this direction is looked at. */
  turnTo(flow: Flow): void {
    this.#flow = flow
  }

  /** No packet will come: from here on all is asked at once. */
  finish(): void {
    this.#isFinishing = true
  }

  http(kind: HttpQuestion, flow: Flow, transaction: HttpTransaction): void {
    this.#ask(flow, kind, transaction, null, false, null)
  }

  httpBody(
    kind: 'request-body' | 'response-body',
    flow: Flow,
    transaction: HttpTransaction,
    bytes: Buffer,
    isLast: boolean,
  ): void {
    this.#ask(flow, kind, transaction, bytes, isLast, null)
  }

  stream(flow: Flow, bytes: Buffer): void {
    this.#ask(flow, 'stream', null, bytes, false, null)
  }

  other(flow: Flow, ask: () => Verdict): void {
    this.#ask(flow, 'other', null, null, false, ask)
  }

  /**
   * Puts what has waited for a packet of this direction.
   *
   * @returns true when anything was put, now or because too much waited
   */
  catchUp(flow: Flow): boolean {
    const newest = this.#later(flow)
    if (newest !== null) {
      this.#keep(flow, null)
      let question = newest
      do {
        question = question.next!
        this.#put(flow, question)
      } while (question !== newest)
      this.#hasCaughtUp = true
    }
    const has = this.#hasCaughtUp
    this.#hasCaughtUp = false
    return has
  }

  #later(flow: Flow): Question | null {
    return flow === 'to_server' ? this.#laterToServer : this.#laterToClient
  }

  #keep(flow: Flow, newest: Question | null): void {
    if (flow === 'to_server') this.#laterToServer = newest
    else this.#laterToClient = newest
  }

  #ask(
    flow: Flow,
    kind: Question['kind'],
    transaction: HttpTransaction | null,
    bytes: Buffer | null,
    isLast: boolean,
    ask: (() => Verdict) | null,
  ): void {
    const question: Question = { kind, transaction, bytes, isLast, ask, waiting: 1, next: null }
    const newest = this.#later(flow)
    if (this.isNow || (flow === this.#flow && newest === null)) {
      this.#put(flow, question)
      return
    }
    if (newest === null) question.next = question
    else {
      question.waiting = newest.waiting + 1
      question.next = newest.next
      newest.next = question
    }
    this.#keep(flow, question)
    if (question.waiting < MAX_LATER) return
    // What waits for the packet that is being looked at is older, and may set bits that this asks for.
    this.catchUp(this.#flow)
    this.catchUp(flow)
    this.#hasCaughtUp = true
  }

  #put(flow: Flow, question: Question): void {
    if (this.isEncrypted) return
    const { kind } = this.#answer(flow, question)
    if (kind === 'bypass' && this.#options.encryption !== 'full') this.isEncrypted = true
  }

  #answer(flow: Flow, { kind, transaction, bytes, isLast, ask }: Question): Verdict {
    const ids = this.#ids
    const { isNow, holdsPackets } = this.#options
    switch (kind) {
      case 'stream':
        return ids.inspect(flow, bytes!, isNow ? 'each' : 'stream', holdsPackets)
      case 'request-head':
        return ids.requestHead(transaction!)
      case 'request-body':
        return ids.requestBody(transaction!, bytes!, isLast, !this.isNow)
      case 'request-end':
        return ids.requestEnd(transaction!)
      case 'response-head':
        return ids.responseHead(transaction!)
      case 'response-body':
        return ids.responseBody(transaction!, bytes!, isLast, !this.isNow)
      case 'response-end':
        return ids.responseEnd(transaction!)
      case 'transaction-end':
        return ids.transactionEnd(transaction!)
      case 'other':
        return ask!()
    }
  }
}
