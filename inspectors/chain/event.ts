import type { HttpTransaction } from '../http/transaction.ts'
import type { Packet } from '../ids/capture/packet.ts'
import type { ConnectionInspector, Flow, Verdict } from '../inspector.ts'

/** The events of a chain as numbers, so that one loop over the hops serves them all. */
export const BYTES = 0
export const REQUEST_HEAD = 1
export const REQUEST_BODY = 2
export const REQUEST_END = 3
export const RESPONSE_HEAD = 4
export const RESPONSE_BODY = 5
export const RESPONSE_END = 6
export const TRANSACTION_END = 7
export const CLOSE = 8
export const DATAGRAM = 9
export type EventCode = 0 | 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9

/** Tells one inspector one event. Events that have a transaction or packet must be given one. */
export function ask(
  inspector: ConnectionInspector,
  event: EventCode,
  flow: Flow,
  transaction: HttpTransaction | null,
  chunk: Buffer,
  packet: Packet | null,
): Verdict {
  switch (event) {
    case BYTES:
      return inspector.bytes(flow, chunk)
    case REQUEST_HEAD:
      return inspector.requestHead(transaction!)
    case REQUEST_BODY:
      return inspector.requestBody(transaction!, chunk)
    case REQUEST_END:
      return inspector.requestEnd(transaction!)
    case RESPONSE_HEAD:
      return inspector.responseHead(transaction!)
    case RESPONSE_BODY:
      return inspector.responseBody(transaction!, chunk)
    case RESPONSE_END:
      return inspector.responseEnd(transaction!)
    case TRANSACTION_END:
      return inspector.transactionEnd(transaction!)
    case CLOSE:
      return inspector.close()
    case DATAGRAM:
      if (inspector.datagram === undefined) throw new TypeError('it does not look at datagrams')
      return inspector.datagram(flow, packet!)
  }
}
