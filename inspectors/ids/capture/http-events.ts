import type { HttpTransaction } from '#inspectors/http/transaction.ts'
import type { Flow, Verdict } from '#inspectors/inspector.ts'
import type { IdsConnection } from '../connection.ts'
import type { HttpEvents } from './http/permissive-parser.ts'

/** Who is told of the exchanges of a connection, besides its rules. */
export interface HttpListener {
  /** Puts the question to the rules, if they are to be asked. */
  asks(ask: () => Verdict): void
  begin(transaction: HttpTransaction): void
  body(transaction: HttpTransaction, flow: Flow, chunk: Buffer): void
  file(transaction: HttpTransaction, flow: Flow): void
  end(transaction: HttpTransaction): void
}

/** Brings what the parser finds to the rules and to the listener, in this order. */
export function httpEvents(ids: IdsConnection, listener: HttpListener): HttpEvents {
  return {
    requestHead: (transaction) => {
      listener.begin(transaction)
      listener.asks(() => ids.requestHead(transaction))
    },
    requestBody: (transaction, chunk) => {
      listener.asks(() => ids.requestBody(transaction, chunk))
      listener.body(transaction, 'to_server', chunk)
    },
    requestEnd: (transaction) => {
      listener.asks(() => ids.requestEnd(transaction))
      if (transaction.requestBodyBytes > 0) listener.file(transaction, 'to_server')
    },
    responseHead: (transaction) => listener.asks(() => ids.responseHead(transaction)),
    responseBody: (transaction, chunk) => {
      listener.asks(() => ids.responseBody(transaction, chunk))
      listener.body(transaction, 'to_client', chunk)
    },
    responseEnd: (transaction) => {
      listener.asks(() => ids.responseEnd(transaction))
      if (transaction.responseBodyBytes > 0) listener.file(transaction, 'to_client')
    },
    transactionEnd: (transaction) => {
      listener.asks(() => ids.transactionEnd(transaction))
      listener.end(transaction)
    },
  }
}
