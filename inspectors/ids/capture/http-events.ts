import type { HttpTransaction } from '#inspectors/http/transaction.ts'
import type { Flow, Verdict } from '#inspectors/inspector.ts'
import type { IdsConnection } from '../connection.ts'
import { isLastChunk } from '../http-inspection.ts'
import type { HttpEvents } from './http/permissive-parser.ts'

/** Who is told of the exchanges of a connection, besides its rules. */
export interface HttpListener {
  /** Puts the question to the rules, if they are to be asked: now, or with the next packet of the direction. */
  asks(flow: Flow, ask: () => Verdict): void
  /** True when `asks` may put off: a chunk that it looks at must be kept. */
  readonly mayWait: boolean
  /** What was pushed stays as it is. */
  readonly holdsPushed: boolean
  begin(transaction: HttpTransaction): void
  body(transaction: HttpTransaction, flow: Flow, chunk: Buffer): void
  file(transaction: HttpTransaction, flow: Flow): void
  end(transaction: HttpTransaction): void
}

/** Brings what the parser finds to the rules and to the listener, in this order. */
export function httpEvents(ids: IdsConnection, listener: HttpListener): HttpEvents {
  const kept = (chunk: Buffer, isPushed: boolean): Buffer =>
    listener.mayWait && !(isPushed && listener.holdsPushed) ? Buffer.from(chunk) : chunk
  return {
    requestHead: (transaction) => {
      listener.begin(transaction)
      listener.asks('to_server', () => ids.requestHead(transaction))
    },
    requestBody: (transaction, chunk, isPushed) => {
      const bytes = kept(chunk, isPushed)
      const isLast = isLastChunk(transaction, 'request')
      listener.asks('to_server', () => ids.requestBody(transaction, bytes, isLast))
      listener.body(transaction, 'to_server', bytes)
    },
    requestEnd: (transaction) => {
      listener.asks('to_server', () => ids.requestEnd(transaction))
      if (transaction.requestBodyBytes > 0) listener.file(transaction, 'to_server')
    },
    fault: (transaction, flow, name) =>
      listener.asks(flow, () => ids.httpEvent(transaction, flow, name)),
    responseHead: (transaction) => listener.asks('to_client', () => ids.responseHead(transaction)),
    responseBody: (transaction, chunk, isPushed) => {
      const bytes = kept(chunk, isPushed)
      const isLast = isLastChunk(transaction, 'response')
      listener.asks('to_client', () => ids.responseBody(transaction, bytes, isLast))
      listener.body(transaction, 'to_client', bytes)
    },
    responseEnd: (transaction) => {
      listener.asks('to_client', () => ids.responseEnd(transaction))
      if (transaction.responseBodyBytes > 0) listener.file(transaction, 'to_client')
    },
    transactionEnd: (transaction) => {
      listener.asks('to_client', () => ids.transactionEnd(transaction))
      listener.end(transaction)
    },
  }
}
