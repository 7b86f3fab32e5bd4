import type { Flow } from '../inspector.ts'
import { note } from './anomaly.ts'
import { ByteQueue } from './byte-queue.ts'
import type { HttpExchangeHandler } from './exchange-handler.ts'
import { ExchangeTransaction } from './exchange-transaction.ts'
import type { RequestFramingRules } from './framing.ts'
import { httpError, type HttpErrorCode } from './http-error.ts'
import { DEFAULT_HTTP_LIMITS, type HttpLimits } from './limits.ts'
import { RequestReader } from './request-reader.ts'
import { ResponseReader } from './response-reader.ts'
import type { HttpResponseHead, HttpTransaction } from './transaction.ts'

export interface HttpExchangeOptions extends Partial<RequestFramingRules> {
  /** Id of the next transaction (hyperid). */
  readonly nextId: () => string
  /** Milliseconds since the epoch. */
  readonly now: () => number
  readonly limits?: Partial<HttpLimits>
}

/** One object for all connections with the same options. */
const limitsOfOptions = new WeakMap<HttpExchangeOptions, HttpLimits>()

function limitsOf(options: HttpExchangeOptions): HttpLimits {
  const known = limitsOfOptions.get(options)
  if (known !== undefined) return known
  const limits = { ...DEFAULT_HTTP_LIMITS, ...options.limits }
  limitsOfOptions.set(options, limits)
  return limits
}

/**
 * Reads both directions of one HTTP/1 connection and pairs responses with requests. The events and
 * their offsets are described in `exchange-handler.ts`. It never throws over input, keeps no byte longer
 * than it must, and after an error stays silent in that direction; after an error of the server in both.
 *
 * The client's side waits, unread, behind a request that may turn the connection into something else
 * (CONNECT, Upgrade), and while `pipelinedRequests` requests have no response.
 */
export class HttpExchangeParser {
  readonly #handler: HttpExchangeHandler
  readonly #limits: HttpLimits
  readonly #nextId: () => string
  readonly #now: () => number
  readonly #client = new ByteQueue()
  readonly #server = new ByteQueue()
  readonly #requests: RequestReader
  readonly #responses: ResponseReader
  /** Transactions whose response has not ended, oldest first. */
  readonly #awaiting: ExchangeTransaction[] = []
  /** The transaction whose request is being read. */
  #current: ExchangeTransaction | null = null
  #nextIndex = 0
  #startedAt = 0
  #maySwitch = false
  #hasConflict = false
  #isClientPaused = false
  #isClientRunning = false
  #isClientEnded = false
  #isClientDone = false
  #isStopped = false
  #isTunnel = false

  constructor(handler: HttpExchangeHandler, options: HttpExchangeOptions) {
    this.#handler = handler
    this.#limits = limitsOf(options)
    this.#nextId = options.nextId
    this.#now = options.now
    this.#requests = new RequestReader(this.#limits, {
      contentLengthWithChunked: options.contentLengthWithChunked ?? 'accept',
    })
    this.#responses = new ResponseReader(this.#limits)
  }

  pushClient(chunk: Buffer): void {
    if (this.#isStopped || this.#isClientDone || chunk.length === 0) return
    this.#client.push(chunk)
    this.#runClient()
    this.#client.retain()
  }

  pushServer(chunk: Buffer): void {
    if (this.#isStopped || chunk.length === 0) return
    this.#server.push(chunk)
    this.#runServer()
    this.#server.retain()
    this.#client.retain()
  }

  /** The client's FIN. */
  endClient(): void {
    this.#isClientEnded = true
    this.#runClient()
  }

  /** The server's FIN. */
  endServer(): void {
    if (this.#isStopped) return
    if (this.#responses.endsWithConnection) this.#endResponse(this.#awaiting[0])
    else if (!this.#responses.isBetween) return this.#fail('to_client', 'response-cut-off')
    if (!this.#isStopped && this.#awaiting.length > 0) this.#fail('to_client', 'response-missing')
  }

  /** No further event, ever. */
  stop(): void {
    this.#isStopped = true
    this.#client.clear()
    this.#server.clear()
  }

  /** No further client event until `resumeClient`; bytes pushed meanwhile are kept (`heldBytes`). */
  pauseClient(): void {
    this.#isClientPaused = true
  }

  resumeClient(): void {
    this.#isClientPaused = false
    this.#runClient()
    if (!this.#isClientRunning) this.#client.retain()
  }

  /** The request was answered in place of the server, which never got it: no response will come. */
  answered(transaction: HttpTransaction): void {
    const at = this.#awaiting.findIndex((one) => one === transaction)
    if (at !== -1) this.#awaiting.splice(at, 1)
    if (this.#awaiting.length === 0) this.#maySwitch = false
  }

  /** True while no part of a response was received. */
  get isServerQuiet(): boolean {
    return this.#responses.isBetween && this.#server.length === 0
  }

  /** True while client bytes are kept and not parsed: the proxy should stop reading from the client. */
  get clientHeld(): boolean {
    if (this.#isStopped || this.#isClientDone) return false
    return this.#isClientPaused || (this.#requests.isBetween && this.#mustWait())
  }

  /** Bytes of both directions that are kept: incomplete lines and heads, and what is held. */
  get bufferedBytes(): number {
    return this.#client.length + this.#server.length
  }

  /** True once `tunnel` was called. */
  get isTunnel(): boolean {
    return this.#isTunnel
  }

  /** Transactions whose head was told and whose request or response has not ended, oldest first. */
  get openTransactions(): readonly HttpTransaction[] {
    const current = this.#current
    if (current === null || this.#awaiting.includes(current)) return [...this.#awaiting]
    return [current, ...this.#awaiting]
  }

  #mustWait(): boolean {
    return this.#maySwitch || this.#awaiting.length >= this.#limits.pipelinedRequests
  }

  #runClient(): void {
    if (this.#isClientRunning) return
    this.#isClientRunning = true
    while (!this.#isStopped && !this.#isClientDone && !this.clientHeld) {
      if (this.#requests.isBetween && this.#client.length > 0) {
        if (this.#hasConflict) {
          this.#fail('to_server', 'request-after-conflict')
          break
        }
        if (this.#startedAt === 0) this.#startedAt = this.#now()
      }
      const progress = this.#requests.step(this.#client)
      if (progress === 'more') {
        this.#endClientStream()
        break
      }
      if (progress === 'head') this.#beginTransaction()
      else if (progress === 'data') this.#requestBody()
      else if (progress === 'end') this.#endRequest()
      else this.#fail('to_server', progress)
    }
    if (this.#client.length > this.#limits.heldBytes && this.clientHeld) {
      this.#fail('to_server', 'held-too-much')
    }
    this.#isClientRunning = false
  }

  #endClientStream(): void {
    if (!this.#isClientEnded) return
    if (!this.#requests.isBetween) return this.#fail('to_server', 'request-cut-off')
    this.#isClientDone = true
    this.#client.clear()
  }

  #beginTransaction(): void {
    const transaction = new ExchangeTransaction(
      this.#nextId(),
      this.#nextIndex++,
      this.#startedAt,
      this.#requests.head!,
      this.#requests.anomalies,
    )
    this.#startedAt = 0
    this.#current = transaction
    this.#awaiting.push(transaction)
    this.#maySwitch = transaction.maySwitch
    if (transaction.anomalies.includes('content-length-with-transfer-encoding')) {
      this.#hasConflict = true
    }
    const { offset } = this.#client
    transaction.requestStart = offset - transaction.request.rawLatin1.length
    transaction.requestReadTo = offset
    this.#handler.requestHead(transaction, offset)
  }

  #requestBody(): void {
    const transaction = this.#current!
    const chunk = this.#requests.chunk
    transaction.requestBodyBytes += chunk.length
    transaction.requestReadTo = this.#client.offset
    this.#handler.requestBody(transaction, chunk, this.#client.offset)
  }

  #endRequest(): void {
    const transaction = this.#current!
    transaction.requestEnded = true
    transaction.requestTrailers = this.#requests.trailers
    transaction.requestReadTo = this.#client.offset
    this.#current = null
    this.#handler.requestEnd(transaction, this.#client.offset)
  }

  #runServer(): void {
    while (!this.#isStopped) {
      if (this.#responses.isBetween) {
        if (!this.#responses.skipEmptyLines(this.#server)) return
        if (this.#awaiting.length === 0) return this.#fail('to_client', 'unexpected-response')
      }
      const transaction = this.#awaiting[0]
      const progress = this.#responses.step(
        this.#server,
        transaction.request.method,
        transaction.anomalies,
      )
      if (progress === 'more') return
      if (progress === 'head') this.#responseHead(transaction, this.#responses.head!)
      else if (progress === 'data') this.#responseBody(transaction)
      else if (progress === 'end') this.#endResponse(transaction)
      else this.#fail('to_client', progress)
    }
  }

  #responseHead(transaction: ExchangeTransaction, response: HttpResponseHead): void {
    if (response.status < 200 && response.status !== 101) {
      transaction.interimResponses++
      if (transaction.interimResponses > this.#limits.interimResponses) {
        return this.#fail('to_client', 'too-many-interim-responses')
      }
      this.#responses.expectAnother()
      return this.#handler.interimResponse(transaction, response, this.#server.offset)
    }
    transaction.response = response
    const isUnasked = response.status === 101 && !transaction.hasUpgrade
    if (isUnasked || (transaction.hasSwitched && !transaction.requestEnded)) {
      return this.#fail('to_client', 'unexpected-upgrade')
    }
    if (!transaction.requestEnded) note(transaction.anomalies, 'early-response')
    const { offset } = this.#server
    transaction.responseStart = offset - response.rawLatin1.length
    transaction.responseReadTo = offset
    this.#handler.responseHead(transaction, offset)
  }

  #responseBody(transaction: ExchangeTransaction): void {
    const chunk = this.#responses.chunk
    transaction.responseBodyBytes += chunk.length
    transaction.responseReadTo = this.#server.offset
    this.#handler.responseBody(transaction, chunk, this.#server.offset)
  }

  #endResponse(transaction: ExchangeTransaction): void {
    transaction.responseEnded = true
    transaction.responseTrailers = this.#responses.trailers
    transaction.responseReadTo = this.#server.offset
    this.#awaiting.shift()
    this.#handler.responseEnd(transaction, this.#server.offset)
    if (this.#isStopped) return
    if (transaction.hasSwitched) {
      const [clientOffset, serverOffset] = [this.#client.offset, this.#server.offset]
      this.#isTunnel = true
      this.stop()
      return this.#handler.tunnel(transaction, clientOffset, serverOffset)
    }
    // Only the newest request can be one that may switch: nothing was read behind it.
    if (this.#awaiting.length === 0) this.#maySwitch = false
    this.#runClient()
  }

  #fail(flow: Flow, code: HttpErrorCode): void {
    const [queue, position] =
      flow === 'to_server'
        ? [this.#client, this.#requests.position]
        : [this.#server, this.#responses.position]
    const earlier = this.#awaiting.filter((transaction) => transaction !== this.#current)
    const pending = flow === 'to_server' ? earlier.length : 0
    const error = httpError(flow, code, queue.offset + position, pending)
    if (flow === 'to_server') {
      this.#isClientDone = true
      this.#client.clear()
    } else this.stop()
    this.#handler.error(error)
  }
}
