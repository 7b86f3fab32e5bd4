import { type ChainFold, type Decision, PROCEED } from '../chain/fold.ts'
import type { HttpExchangeHandler } from '../http/exchange-handler.ts'
import { HttpExchangeParser } from '../http/exchange-parser.ts'
import type { HttpError } from '../http/http-error.ts'
import type { HttpResponseHead, HttpTransaction } from '../http/transaction.ts'
import type { Flow } from '../inspector.ts'
import { beginsResponse } from './begins-response.ts'
import { type Answer, owesEarlierAnswers } from './answer.ts'
import { blockPage } from './block-page.ts'
import type { FlowServices } from './flow-services.ts'
import { type Lane, PAUSED_BY_PARSER } from './lane.ts'
import { DEFERRED_BLOCK_MS, MAX_HELD_BYTES, MAX_HELD_BYTES_WORKER } from './limits.ts'
import type { Link } from './link.ts'
import { Prelude } from './prelude.ts'
import { judgeHttpError, judgeTunnel } from './protocol-violation.ts'
import { CONTINUE, waitsForContinue } from './waits-for-continue.ts'

/**
 * One connection under inspection. Bytes of both directions are shown to the chain and to the HTTP
 * parser, and wait in their lane until every event they complete has been answered; then they leave as
 * they came.
 *
 *     detecting -> http -> raw         another protocol, a tunnel, or no hop is left
 *                       -> deferred    a block that waits for answers to earlier requests
 *                       -> over        answered by us, or reset
 */
type Phase = 'detecting' | 'http' | 'raw' | 'deferred' | 'over'

export class InspectedFlow implements HttpExchangeHandler {
  readonly #link: Link
  readonly #fold: ChainFold
  readonly #services: FlowServices
  readonly #parser: HttpExchangeParser
  #phase: Phase = 'detecting'
  readonly #prelude = new Prelude()
  #holdsRequest = false
  #holdsResponse = false
  /** The request that is still being received. */
  #incoming: HttpTransaction | null = null
  /** Its response ended before it did. */
  #answeredEarly: HttpTransaction | null = null
  /** The response of which the client has bytes and not yet all. */
  #inFlight: HttpTransaction | null = null
  #deferred: Answer | null = null
  #deferTimer: NodeJS.Timeout | undefined

  constructor(link: Link, fold: ChainFold, services: FlowServices) {
    this.#link = link
    this.#fold = fold
    this.#services = services
    this.#parser = new HttpExchangeParser(this, services.http)
    if (fold.openDecision !== PROCEED) this.#decide(fold.openDecision, 'to_server', null)
    else if (fold.live === 0) this.#goRaw()
    const { client, server } = link
    client.on('data', (chunk: Buffer) => this.#clientData(chunk))
    server.on('data', (chunk: Buffer) => this.#serverData(chunk))
    client.on('end', () => this.#clientEnd())
    server.on('end', () => this.#serverEnd())
  }

  /** Both sockets are closed: the logging phase of what was cut off, and the last event. */
  closed(): void {
    this.#phase = 'over'
    clearTimeout(this.#deferTimer)
    for (const transaction of this.#parser.openTransactions) this.#fold.transactionEnd(transaction)
    this.#fold.close()
    this.#services.sink.flush()
  }

  /** What was found so far is told as it stands, also in a body that is still held. */
  tellAlerts(): void {
    this.#fold.pending.commitAll()
    this.#services.sink.flush()
  }

  /**
   * Closes the connection as a server closes one that is kept alive, with a FIN between two messages.
   *
   * @returns false when a message is under way or it speaks another protocol: nothing was done
   */
  closeIfIdle(): boolean {
    const { toServer, toClient } = this.#link
    if (this.#phase !== 'http' || this.#parser.openTransactions.length > 0) return false
    if (toServer.heldBytes > 0 || toClient.heldBytes > 0) return false
    this.#end()
    this.#link.finish()
    return true
  }

  #clientData(chunk: Buffer): void {
    const lane = this.#link.toServer
    if (this.#phase === 'over' || this.#phase === 'deferred') return
    if (!this.#showBytes('to_server', chunk)) return
    if (this.#phase === 'raw') {
      lane.forward(chunk)
      return
    }
    lane.push(chunk)
    if (this.#phase === 'detecting') this.#detect(chunk)
    else this.#parser.pushClient(chunk)
    this.#settle()
  }

  #serverData(chunk: Buffer): void {
    if (this.#phase === 'over') return
    if (!this.#showBytes('to_client', chunk)) return
    if (this.#phase === 'detecting') {
      // A server that speaks first speaks no HTTP, unless it says so: then it is an answer to nobody.
      if (beginsResponse(chunk)) this.#startHttp()
      else this.#goRaw()
    }
    if (this.#phase === 'raw') {
      this.#link.toClient.forward(chunk)
      return
    }
    this.#link.toClient.push(chunk)
    this.#parser.pushServer(chunk)
    this.#settle()
  }

  #clientEnd(): void {
    if (this.#phase === 'over' || this.#phase === 'deferred') return
    if (this.#phase === 'detecting') {
      if (this.#prelude.isHttpAtEnd()) this.#startHttp()
      else this.#goRaw()
    }
    if (this.#phase === 'http') this.#parser.endClient()
    this.#settle()
    if (this.#isOpen()) this.#link.toServer.end()
  }

  #serverEnd(): void {
    if (this.#phase === 'over') return
    if (this.#phase === 'http' || this.#phase === 'deferred') this.#parser.endServer()
    this.#settle()
    if (!this.#isOpen()) return
    if (this.#phase === 'deferred') this.#giveAnswer()
    else this.#link.toClient.end()
  }

  #isOpen(): boolean {
    return this.#phase !== 'over'
  }

  /** False when the chain ended the flow. */
  #showBytes(flow: Flow, chunk: Buffer): boolean {
    if (this.#fold.live === 0) return true
    const decision = this.#fold.bytes(flow, chunk)
    if (decision === PROCEED) {
      if (this.#phase === 'raw') this.tellAlerts()
      return true
    }
    this.#decide(decision, flow, null)
    this.#settle()
    return false
  }

  #detect(chunk: Buffer): void {
    const isHttp = this.#prelude.add(chunk)
    if (isHttp === 'yes') this.#startHttp()
    else if (isHttp === 'no') {
      this.#services.counters.otherProtocols++
      this.#goRaw()
    }
  }

  #startHttp(): void {
    this.#phase = 'http'
    const seen = this.#prelude.take()
    if (seen !== null) this.#parser.pushClient(seen)
  }

  #goRaw(): void {
    this.#phase = 'raw'
    this.#prelude.take()
    this.#parser.stop()
    this.#link.toServer.releaseAll()
    this.#link.toClient.releaseAll()
    this.#link.toServer.resume(PAUSED_BY_PARSER)
  }

  /** After each step: writes what was released, and reads on or not. */
  #settle(): void {
    if (this.#phase === 'over') return
    // Alerts first: nothing leaves before what was found in it is on disk.
    this.#fold.commitAlerts()
    this.#services.sink.flush()
    const { toServer, toClient } = this.#link
    if (this.#fold.live === 0 && this.#phase === 'http') this.#goRaw()
    toServer.flush()
    toClient.flush()
    if (this.#phase === 'http') {
      if (this.#parser.clientHeld) toServer.pause(PAUSED_BY_PARSER)
      else toServer.resume(PAUSED_BY_PARSER)
    } else if (this.#phase === 'deferred' && !this.#owesEarlierAnswers(null)) {
      this.#giveAnswer()
    }
  }

  // Events of the parser. A decision ends the parsing; no further event comes out of the same chunk.

  requestHead(transaction: HttpTransaction, endOffset: number): void {
    this.#services.counters.requests++
    this.#incoming = transaction
    const decision = this.#fold.requestHead(transaction)
    if (decision !== PROCEED) return this.#decide(decision, 'to_server', transaction)
    const holds = this.#fold.holdsBody('to_server', transaction)
    if (holds === 'drop') return this.#decide({ kind: 'drop' }, 'to_server', transaction)
    this.#holdsRequest = holds === 'hold'
    if (this.#holdsRequest) this.#continueIfExpected(transaction)
    else this.#link.toServer.release(endOffset)
  }

  requestBody(transaction: HttpTransaction, chunk: Buffer, endOffset: number): void {
    const decision = this.#fold.requestBody(transaction, chunk)
    if (decision !== PROCEED) return this.#decide(decision, 'to_server', transaction)
    if (this.#holdsRequest) {
      const answer = this.#holdsOn('to_server', this.#link.toServer, transaction)
      if (answer !== PROCEED) return this.#decide(answer, 'to_server', transaction)
    }
    if (!this.#holdsRequest) this.#link.toServer.release(endOffset)
  }

  requestEnd(transaction: HttpTransaction, endOffset: number): void {
    const decision = this.#fold.requestEnd(transaction)
    if (decision !== PROCEED) return this.#decide(decision, 'to_server', transaction)
    this.#holdsRequest = false
    this.#incoming = null
    this.#link.toServer.release(endOffset)
    if (this.#answeredEarly === transaction) {
      this.#answeredEarly = null
      this.#fold.transactionEnd(transaction)
    }
  }

  interimResponse(_: HttpTransaction, __: HttpResponseHead, endOffset: number): void {
    this.#link.toClient.release(endOffset)
  }

  responseHead(transaction: HttpTransaction, endOffset: number): void {
    const decision = this.#fold.responseHead(transaction)
    if (decision !== PROCEED) return this.#decide(decision, 'to_client', transaction)
    const holds = this.#fold.holdsBody('to_client', transaction)
    if (holds === 'drop') return this.#decide({ kind: 'drop' }, 'to_client', transaction)
    this.#holdsResponse = holds === 'hold'
    if (!this.#holdsResponse) this.#releaseResponse(transaction, endOffset)
  }

  responseBody(transaction: HttpTransaction, chunk: Buffer, endOffset: number): void {
    const decision = this.#fold.responseBody(transaction, chunk)
    if (decision !== PROCEED) return this.#decide(decision, 'to_client', transaction)
    if (this.#holdsResponse) {
      const answer = this.#holdsOn('to_client', this.#link.toClient, transaction)
      if (answer !== PROCEED) return this.#decide(answer, 'to_client', transaction)
    }
    if (!this.#holdsResponse) this.#releaseResponse(transaction, endOffset)
  }

  responseEnd(transaction: HttpTransaction, endOffset: number): void {
    const decision = this.#fold.responseEnd(transaction)
    if (decision !== PROCEED) return this.#decide(decision, 'to_client', transaction)
    this.#holdsResponse = false
    this.#link.toClient.release(endOffset)
    this.#inFlight = null
    if (this.#incoming === transaction) this.#answeredEarly = transaction
    else this.#fold.transactionEnd(transaction)
  }

  tunnel(transaction: HttpTransaction): void {
    const violation = judgeTunnel(transaction, this.#fold.enforcesHttp)
    if (violation !== null) {
      this.#fold.report(violation.alert, violation.verdict, 'to_client', transaction)
      if (violation.verdict === 'dropped') {
        this.#fold.pending.conclude('dropped', null, null)
        return this.#decide({ kind: 'drop' }, 'to_client', transaction)
      }
    }
    this.#goRaw()
  }

  error(error: HttpError): void {
    const transaction = error.flow === 'to_server' ? this.#incoming : null
    const judgement = judgeHttpError(error, this.#fold.enforcesHttp, this.#inFlight !== null)
    if (judgement.alert !== null) {
      const withheld =
        judgement.verdict === 'passed'
          ? this.#services.violationAlerts.take(`${error.flow}/${error.code}`)
          : 0
      if (withheld !== null) {
        this.#fold.report(judgement.alert, judgement.verdict, error.flow, transaction)
      }
    }
    const { verdict, status } = judgement
    if (verdict !== 'passed') this.#fold.pending.conclude(verdict, transaction, status)
    switch (judgement.action) {
      case 'raw':
        return this.#goRaw()
      case 'reset':
        return this.#decide({ kind: 'drop' }, error.flow, null)
      case 'answer':
        return this.#answerInTurn(
          { status: judgement.status, transaction },
          error.flow === 'to_server' && this.#owesEarlierAnswers(transaction),
        )
    }
  }

  /** Carries out what the chain decided. The alert is on disk before the client learns of it. */
  #decide(decision: Decision, flow: Flow, transaction: HttpTransaction | null): void {
    this.#services.sink.flush()
    if (decision.kind !== 'block') {
      this.#end()
      this.#link.reset()
      return
    }
    // What was let go before the decision concerns earlier messages only, and still goes.
    const answer: Answer = { ...decision, transaction }
    this.#answerInTurn(answer, flow === 'to_server' && this.#owesEarlierAnswers(transaction))
  }

  #answerInTurn(answer: Answer, mustWait: boolean): void {
    this.#services.sink.flush()
    if (mustWait) {
      this.#phase = 'deferred'
      this.#deferred = answer
      this.#parser.pauseClient()
      this.#deferTimer = setTimeout(() => {
        this.#end()
        this.#link.reset()
      }, DEFERRED_BLOCK_MS)
      return
    }
    const isHttp = this.#phase === 'http' || this.#phase === 'deferred'
    if ((this.#inFlight !== null || !isHttp) && answer.status !== null) {
      this.#end()
      this.#link.reset()
      return
    }
    this.#deferred = answer
    this.#giveAnswer()
  }

  #giveAnswer(): void {
    const answer = this.#deferred
    if (answer === null) return
    this.#link.toClient.flush()
    const requestId = answer.transaction?.id ?? this.#fold.connection.id
    this.#end()
    this.#link.answer(
      answer.status === null
        ? null
        : blockPage({ ...answer, status: answer.status, requestId }, answer.transaction),
    )
  }

  #end(): void {
    this.#phase = 'over'
    clearTimeout(this.#deferTimer)
    this.#parser.stop()
  }

  /** True while the server still owes the client answers to requests before this one. */
  #owesEarlierAnswers(transaction: HttpTransaction | null): boolean {
    const blocked = transaction ?? this.#deferred?.transaction ?? null
    return owesEarlierAnswers(this.#parser.openTransactions, blocked)
  }

  #releaseResponse(transaction: HttpTransaction, endOffset: number): void {
    this.#inFlight = transaction
    this.#link.toClient.release(endOffset)
  }

  /** After a chunk of a held body, of which the hops may have seen enough, or there may be too much. */
  #holdsOn(flow: Flow, lane: Lane, transaction: HttpTransaction): Decision {
    let decision: Decision = PROCEED
    let holds = this.#fold.holdsBody(flow, transaction)
    if (holds === 'drop') return { kind: 'drop' }
    const workerBytes = this.#services.heldBudget.bytes
    const isTooMuch = lane.heldBytes > MAX_HELD_BYTES || workerBytes > MAX_HELD_BYTES_WORKER
    if (holds === 'hold' && isTooMuch) {
      decision = this.#fold.overrun(flow)
      holds = 'stream'
    }
    if (flow === 'to_server') this.#holdsRequest = holds === 'hold'
    else this.#holdsResponse = holds === 'hold'
    return decision
  }

  /**
   * A client that waits for 100 before its body would wait for ever: the server does not have the head
   * yet. So we say it. The server says it again later, which clients must bear (RFC 9110 section 15.2).
   */
  #continueIfExpected(transaction: HttpTransaction): void {
    if (!waitsForContinue(transaction.request) || this.#owesEarlierAnswers(transaction)) return
    this.#link.client.write(CONTINUE)
  }
}
