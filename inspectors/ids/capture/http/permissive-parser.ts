import { ExchangeTransaction } from '#inspectors/http/exchange-transaction.ts'
import type { HttpResponseHead, HttpTransaction } from '#inspectors/http/transaction.ts'
import { BodyReader } from './body-reader.ts'
import { HEADLESS, isResponseHead, readRequestHead, readResponseHead } from './head.ts'
import { HeadQueue } from './head-queue.ts'
import { MAX_AWAITED_RESPONSES } from './limits.ts'

/** A request begins so: a word in capitals, as all registered methods are, or the beginning of one. */
const METHOD = /^\s*(?:[A-Z][A-Z_-]*[ \t]|[A-Z][A-Z_-]*$)/
const MAX_METHOD_BYTES = 64
/** What status lines begin with. */
const HTTP = 0x4854_5450
const SLASH = 0x2f
const NOTHING_SKIPPED = { to_server: 0, to_client: 0 }

/**
 * Events in the order of an exchange. Chunks are valid during the call only, but for those that are part of what was pushed
 * (`isPushed`): these are valid as long as that is.
 */
export interface HttpEvents {
  requestHead(transaction: HttpTransaction): void
  requestBody(transaction: HttpTransaction, chunk: Buffer, isPushed: boolean): void
  requestEnd(transaction: HttpTransaction): void
  /** A fault in the request or response; `name` as in `app-layer-event`. */
  fault(transaction: HttpTransaction, flow: 'to_server' | 'to_client', name: string): void
  responseHead(transaction: HttpTransaction): void
  responseBody(transaction: HttpTransaction, chunk: Buffer, isPushed: boolean): void
  responseEnd(transaction: HttpTransaction): void
  /** After the response, or when none will come any more. */
  transactionEnd(transaction: HttpTransaction): void
}

/**
 * HTTP/1 for looking on: it never refuses, reads what the most lenient client or server would read, and
 * so finds what an evasion hides from stricter readers. Never to be used where its reading decides what
 * is forwarded: the inline path has `inspectors/http/`.
 */
export class PermissiveHttpParser {
  readonly #events: HttpEvents
  readonly #now: () => number
  readonly #client = new HeadQueue()
  readonly #server = new HeadQueue()
  /** Whose response comes next; null: nobody awaits one. */
  #awaiting: ExchangeTransaction | null = null
  /** Who awaits one behind it, as clients seldom do. */
  #behind: ExchangeTransaction[] | null = null
  #sending: { transaction: ExchangeTransaction; body: BodyReader } | null = null
  #answering: { transaction: ExchangeTransaction; body: BodyReader } | null = null
  #count = 0
  #isClientSilent = false
  #isServerSilent = false

  /**
   * @param now milliseconds since the epoch
   * @param skipped bytes of each stream that come before the first that is pushed
   */
  constructor(
    events: HttpEvents,
    now: () => number,
    skipped: Readonly<Record<'to_server' | 'to_client', number>> = NOTHING_SKIPPED,
  ) {
    this.#events = events
    this.#now = now
    this.#client.offset = skipped.to_server
    this.#server.offset = skipped.to_client
  }

  /** Both sides are silent and nothing is left to be told. */
  get isOver(): boolean {
    const isSilent = this.#isClientSilent && this.#isServerSilent
    return isSilent && this.#awaiting === null
  }

  pushClient(chunk: Buffer): void {
    if (this.#isClientSilent || chunk.length === 0) return
    this.#client.push(chunk)
    this.#runClient(false)
    this.#client.retain()
  }

  pushServer(chunk: Buffer): void {
    if (this.#isServerSilent || chunk.length === 0) return
    this.#server.push(chunk)
    this.#runServer(false)
    this.#server.retain()
  }

  /** So many bytes of the client were not seen. */
  gapClient(bytes: number): void {
    if (this.#isClientSilent) return
    if (this.#sending?.body.skip(bytes) === true) {
      this.#client.offset += bytes
      if (this.#sending.body.done) this.#endRequest(this.#sending.transaction)
      return
    }
    this.endClient()
  }

  /** So many bytes of the server were not seen. */
  gapServer(bytes: number): void {
    if (this.#isServerSilent) return
    if (this.#answering?.body.skip(bytes) === true) {
      this.#server.offset += bytes
      if (this.#answering.body.done) this.#endResponse(this.#answering.transaction)
      return
    }
    this.endServer()
  }

  /** The client sends no more. */
  endClient(): void {
    if (!this.#isClientSilent) this.#runClient(true)
    this.#isClientSilent = true
    if (this.#sending !== null) this.#endRequest(this.#sending.transaction)
  }

  /** The server sends no more. */
  endServer(): void {
    if (!this.#isServerSilent) this.#runServer(true)
    this.#isServerSilent = true
    if (this.#answering !== null) this.#endResponse(this.#answering.transaction)
  }

  /** The connection is over: what no response came for is told as well. */
  end(): void {
    this.endClient()
    this.endServer()
    while (this.#awaiting !== null) this.#events.transactionEnd(this.#takeAwaiting(this.#awaiting))
  }

  #runClient(isOver: boolean): void {
    while (!this.#isClientSilent) {
      if (this.#sending === null && !this.#readRequestHead(isOver)) return
      const { transaction, body } = this.#sending!
      for (let piece = body.read(this.#client); piece !== null; piece = body.read(this.#client)) {
        transaction.requestBodyBytes += piece.length
        transaction.requestReadTo = this.#client.offset
        this.#events.requestBody(transaction, piece, this.#client.isPushed)
      }
      if (!body.done) return
      this.#takeUnexpectedBody(transaction)
      this.#endRequest(transaction)
    }
  }

  /** Bytes right behind a request without a body, that begin no request, are its body all the same. */
  #takeUnexpectedBody(transaction: ExchangeTransaction): void {
    const client = this.#client
    if (transaction.request.framing.kind !== 'none' || client.length === 0) return
    const text = client.text(0, Math.min(client.length, MAX_METHOD_BYTES))
    if (text.trim() === '' || METHOD.test(text)) return
    const piece = client.buffer.subarray(client.start, client.start + client.length)
    client.consume(piece.length)
    transaction.requestBodyBytes += piece.length
    transaction.requestReadTo = client.offset
    this.#events.requestBody(transaction, piece, this.#client.isPushed)
    this.#events.fault(transaction, 'to_server', 'request_body_unexpected')
  }

  #readRequestHead(isOver: boolean): boolean {
    const client = this.#client
    const bytes = client.scan(isOver)
    if (bytes < 0 || (this.#behind !== null && this.#behind.length >= MAX_AWAITED_RESPONSES - 1)) {
      this.#isClientSilent = true
      client.clear()
      return false
    }
    const isLast = bytes === 0 && isOver && client.length > 0
    if (bytes === 0 && !isLast) return false
    const length = isLast ? client.length : bytes
    const head = readRequestHead(client.text(0, length))
    client.consume(length)
    if (head.line === '') return false
    const transaction = new ExchangeTransaction(
      String(this.#count),
      this.#count,
      this.#now(),
      head,
      [],
    )
    this.#count += 1
    transaction.requestStart = client.offset - length
    transaction.requestReadTo = client.offset
    this.#await(transaction)
    const body = new BodyReader(head.framing, (fault) => {
      const name = fault === 'extension' ? 'request_chunk_extension' : 'invalid_request_chunk_len'
      this.#events.fault(transaction, 'to_server', name)
    })
    this.#sending = { transaction, body }
    this.#events.requestHead(transaction)
    return true
  }

  #endRequest(transaction: ExchangeTransaction): void {
    this.#sending = null
    transaction.requestEnded = true
    transaction.requestReadTo = this.#client.offset
    this.#events.requestEnd(transaction)
  }

  #runServer(isOver: boolean): void {
    while (!this.#isServerSilent) {
      if (this.#answering === null && !this.#readResponseHead(isOver)) return
      if (this.#answering === null) continue
      const { transaction, body } = this.#answering
      for (let piece = body.read(this.#server); piece !== null; piece = body.read(this.#server)) {
        transaction.responseBodyBytes += piece.length
        transaction.responseReadTo = this.#server.offset
        this.#events.responseBody(transaction, piece, this.#server.isPushed)
      }
      if (!body.done) return
      this.#endResponse(transaction)
    }
  }

  #readResponseHead(isOver: boolean): boolean {
    const server = this.#server
    if (server.length === 0) return false
    const transaction = this.#awaiting ?? this.#unasked()
    if (this.#isHeadless(isOver)) {
      this.#beginResponse(transaction, HEADLESS, 0)
      return true
    }
    const bytes = server.scan(isOver)
    if (bytes < 0) {
      this.#isServerSilent = true
      server.clear()
      return false
    }
    if (bytes === 0 && !isOver) return false
    const length = bytes === 0 ? server.length : bytes
    const raw = server.text(0, length)
    server.consume(length)
    if (raw.trim() === '') return true
    const head = readResponseHead(raw, transaction.request.method)
    const isInterim = head.status >= 100 && head.status < 200 && head.status !== 101
    if (isInterim && head.framing.kind === 'none') return true
    this.#beginResponse(transaction, head, length)
    return true
  }

  /** What the server sends is no response as HTTP/1 knows it. */
  #isHeadless(isOver: boolean): boolean {
    const { buffer, length, start } = this.#server
    if (length >= 5 && buffer.readUInt32BE(start) === HTTP && buffer[start + 4] === SLASH)
      return false
    const text = this.#server.text(0, Math.min(length, 512))
    if (isResponseHead(text)) return false
    const lines = text.split(/[\r\n]+/).filter((line) => line.trim() !== '')
    return isOver || length >= 512 || (lines.length >= 2 && lines[1].length >= 5)
  }

  /** @param headBytes that were read */
  #beginResponse(
    transaction: ExchangeTransaction,
    head: HttpResponseHead,
    headBytes: number,
  ): void {
    const { offset } = this.#server
    transaction.response = head
    transaction.responseStart = offset - headBytes
    transaction.responseReadTo = offset
    const body = new BodyReader(head.framing, (fault) => {
      if (fault === 'length')
        this.#events.fault(transaction, 'to_client', 'invalid_response_chunk_len')
    })
    this.#answering = { transaction, body }
    this.#events.responseHead(transaction)
  }

  #endResponse(transaction: ExchangeTransaction): void {
    this.#answering = null
    transaction.responseEnded = true
    transaction.responseReadTo = this.#server.offset
    this.#takeAwaiting(transaction)
    this.#events.responseEnd(transaction)
    this.#events.transactionEnd(transaction)
    if (!transaction.hasSwitched) return
    this.#isClientSilent = true
    this.#isServerSilent = true
    this.#client.clear()
    this.#server.clear()
  }

  #await(transaction: ExchangeTransaction): void {
    if (this.#awaiting === null) this.#awaiting = transaction
    else (this.#behind ??= []).push(transaction)
  }

  /** @param first who awaits the next response */
  #takeAwaiting(first: ExchangeTransaction): ExchangeTransaction {
    this.#awaiting = this.#behind?.shift() ?? null
    if (this.#behind?.length === 0) this.#behind = null
    return first
  }

  /** A response that no request asked for belongs to an empty one. */
  #unasked(): ExchangeTransaction {
    const transaction = new ExchangeTransaction(
      String(this.#count),
      this.#count,
      this.#now(),
      readRequestHead(''),
      [],
    )
    this.#count += 1
    this.#await(transaction)
    this.#events.requestHead(transaction)
    this.#events.fault(transaction, 'to_client', 'unable_to_match_response_to_request')
    this.#events.requestEnd(transaction)
    return transaction
  }
}
