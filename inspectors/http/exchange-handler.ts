import type { HttpError } from './http-error.ts'
import type { HttpResponseHead, HttpTransaction } from './transaction.ts'

/**
 * What `HttpExchangeParser` tells. The calls come synchronously out of `pushClient`, `pushServer`,
 * `endClient`, `endServer` and `resumeClient`; an answer can set a request free that waited, so client
 * events may also come out of `pushServer`.
 *
 * `endOffset` is absolute in the byte stream of the event's direction: the bytes before it are covered by
 * this event and the earlier ones, so who forwards raw bytes may let them go up to there. Body chunks
 * are views of the pushed buffer and valid during the call only.
 *
 * A handler may call `stop`, `pauseClient`, `resumeClient` or `answered` from inside a call, and nothing
 * else.
 */
export interface HttpExchangeHandler {
  requestHead(transaction: HttpTransaction, endOffset: number): void
  /** De-chunked bytes, never empty. */
  requestBody(transaction: HttpTransaction, chunk: Buffer, endOffset: number): void
  requestEnd(transaction: HttpTransaction, endOffset: number): void
  /** Final responses; also 101 and the 2xx of CONNECT, which are followed by `responseEnd` and `tunnel`. */
  responseHead(transaction: HttpTransaction, endOffset: number): void
  responseBody(transaction: HttpTransaction, chunk: Buffer, endOffset: number): void
  /** May come before `requestEnd` when the server answers early. */
  responseEnd(transaction: HttpTransaction, endOffset: number): void
  /** 1xx except 101. */
  interimResponse(transaction: HttpTransaction, response: HttpResponseHead, endOffset: number): void
  /**
   * The connection speaks another protocol from these offsets on (after 101, or the 2xx of CONNECT). The
   * parser is silent from now on; bytes that are pushed are ignored.
   */
  tunnel(transaction: HttpTransaction, clientOffset: number, serverOffset: number): void
  /** The direction `error.flow` cannot be read any further. At most one per direction. */
  error(error: HttpError): void
}
