import type { HttpTransaction } from '#inspectors/http/transaction.ts'
import type { Flow } from '#inspectors/inspector.ts'
import type { IdsConnection } from '../connection.ts'
import { isLastChunk } from '../http-inspection.ts'
import type { HttpEvents } from './http/permissive-parser.ts'
import type { Questions } from './questions.ts'

/** Who is told of the exchanges of a connection, besides its rules. */
export interface HttpListener {
  begin(transaction: HttpTransaction): void
  body(transaction: HttpTransaction, flow: Flow, chunk: Buffer): void
  file(transaction: HttpTransaction, flow: Flow): void
  done(transaction: HttpTransaction): void
}

/** Brings what the parser finds to the rules and to the listener, in this order. */
export class HttpRelay implements HttpEvents {
  readonly #ids: IdsConnection
  readonly #questions: Questions
  readonly #listener: HttpListener
  readonly #holdsPushed: boolean

  /** @param holdsPushed what is pushed into the parser stays as it is */
  constructor(
    ids: IdsConnection,
    questions: Questions,
    listener: HttpListener,
    holdsPushed: boolean,
  ) {
    this.#ids = ids
    this.#questions = questions
    this.#listener = listener
    this.#holdsPushed = holdsPushed
  }

  requestHead(transaction: HttpTransaction): void {
    this.#listener.begin(transaction)
    this.#questions.http('request-head', 'to_server', transaction)
  }

  requestBody(transaction: HttpTransaction, chunk: Buffer, isPushed: boolean): void {
    const bytes = this.#kept(chunk, isPushed)
    const isLast = isLastChunk(transaction, 'request')
    this.#questions.httpBody('request-body', 'to_server', transaction, bytes, isLast)
    this.#listener.body(transaction, 'to_server', bytes)
  }

  requestEnd(transaction: HttpTransaction): void {
    this.#questions.http('request-end', 'to_server', transaction)
    if (transaction.requestBodyBytes > 0) this.#listener.file(transaction, 'to_server')
  }

  fault(transaction: HttpTransaction, flow: Flow, name: string): void {
    this.#questions.other(flow, () => this.#ids.httpEvent(transaction, flow, name))
  }

  responseHead(transaction: HttpTransaction): void {
    this.#questions.http('response-head', 'to_client', transaction)
  }

  responseBody(transaction: HttpTransaction, chunk: Buffer, isPushed: boolean): void {
    const bytes = this.#kept(chunk, isPushed)
    const isLast = isLastChunk(transaction, 'response')
    this.#questions.httpBody('response-body', 'to_client', transaction, bytes, isLast)
    this.#listener.body(transaction, 'to_client', bytes)
  }

  responseEnd(transaction: HttpTransaction): void {
    this.#questions.http('response-end', 'to_client', transaction)
    if (transaction.responseBodyBytes > 0) this.#listener.file(transaction, 'to_client')
  }

  transactionEnd(transaction: HttpTransaction): void {
    this.#questions.http('transaction-end', 'to_client', transaction)
    this.#listener.done(transaction)
  }

  /** A question may have to wait, and the chunk with it. */
  #kept(chunk: Buffer, isPushed: boolean): Buffer {
    const isSafe = this.#questions.isNow || (isPushed && this.#holdsPushed)
    return isSafe ? chunk : Buffer.from(chunk)
  }
}
