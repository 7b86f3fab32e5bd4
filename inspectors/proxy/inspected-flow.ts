import { type Decision, PROCEED } from '../chain/decision.ts'
import type { ChainFold } from '../chain/fold.ts'
import type { HttpExchangeHandler } from '../http/exchange-handler.ts'
import { HttpExchangeParser } from '../http/exchange-parser.ts'
import type { HttpError } from '../http/http-error.ts'
import type { HttpResponseHead, HttpTransaction } from '../http/transaction.ts'
import type { Flow } from '../inspector.ts'
import { beginsResponse } from './begins-response.ts'
import type { Answer } from './answer.ts'
import type { EndOfTurn } from './end-of-turn.ts'
import type { FlowPhase } from './flow-phase.ts'
import type { FlowServices } from './flow-services.ts'
import { holdsOn } from './holds-on.ts'
import { Inbox } from './inbox.ts'
import { PAUSED_BY_PARSER } from './lane.ts'
import { HIGH_WATER_BYTES } from './limits.ts'
import type { Link } from './link.ts'
import { mayKeepOpen } from './may-keep-open.ts'
import { OwnAnswers } from './own-answers.ts'
import { Prelude } from './prelude.ts'
import { reportHttpError, reportTunnel } from './protocol-violation.ts'

/**
 * One connection under inspection. Bytes of both directions are shown to the chain and to the HTTP
 * parser, and wait in their lane until every event they complete has been answered; then they leave as
 * they came. A refused request whose end is known leaves its connection open (`own-answers.ts`).
 */
export class InspectedFlow implements HttpExchangeHandler {
  readonly #link: Link
  readonly #fold: ChainFold
  readonly #services: FlowServices
  readonly #inbox: Inbox
  readonly #parser: HttpExchangeParser
  #phase: FlowPhase = 'detecting'
  readonly #prelude = new Prelude()
  #holdsRequest = false
  #holdsResponse = false
  /** The request that is still being received. */
  #incoming: HttpTransaction | null = null
  /** Its response ended before it did. */
  #answeredEarly: HttpTransaction | null = null
  /** The response of which the client has bytes and not yet all. */
  #inFlight: HttpTransaction | null = null
  /** Some of the request that is still being received has left. */
  #isForwarding = false
  readonly #own: OwnAnswers

  constructor(link: Link, fold: ChainFold, services: FlowServices, turn: EndOfTurn) {
    this.#link = link
    this.#fold = fold
    this.#services = services
    this.#inbox = new Inbox(turn, {
      look: (flow, chunk) => this.#look(flow, chunk),
      settle: () => this.#settle(),
    })
    this.#parser = new HttpExchangeParser(this, services.http)
    this.#own = new OwnAnswers({
      link,
      fold,
      parser: this.#parser,
      end: () => this.#end(),
      resumed: () => this.#settle(),
    })
    if (fold.openDecision !== PROCEED) this.#decide(fold.openDecision, 'to_server', null)
    else if (fold.live === 0) this.#goRaw()
    const { client, server } = link
    client.on('data', (chunk: Buffer) => this.#receive('to_server', chunk))
    server.on('data', (chunk: Buffer) => this.#receive('to_client', chunk))
    client.on('end', () => this.#clientEnd())
    server.on('end', () => this.#serverEnd())
    // Before the link resets the other side: what came first is told, and given.
    for (const socket of [client, server]) {
      socket.prependListener('close', () => this.#inbox.catchUp())
    }
  }

  /** Both sockets are closed: the logging phase of what was cut off, and the last event. */
  closed(): void {
    this.#phase = 'over'
    this.#own.stop()
    for (const transaction of this.#parser.openTransactions) {
      if (!this.#own.hasLogged(transaction)) this.#fold.transactionEnd(transaction)
    }
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
    if (!this.#inbox.isEmpty) return false
    if (toServer.heldBytes > 0 || toClient.heldBytes > 0) return false
    this.#end()
    this.#link.finish()
    return true
  }

  /** What is not read as HTTP passes on at once. */
  #receive(flow: Flow, chunk: Buffer): void {
    if (!this.#inbox.isEmpty || this.#phase !== 'raw') this.#inbox.add(flow, chunk)
    else this.#look(flow, chunk)
  }

  #look(flow: Flow, chunk: Buffer): void {
    if (flow === 'to_server') this.#clientData(chunk)
    else this.#serverData(chunk)
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
    this.#inbox.catchUp()
    if (this.#phase === 'over' || this.#phase === 'deferred') return
    if (this.#phase === 'detecting') {
      if (this.#prelude.isHttpAtEnd()) this.#startHttp()
      else this.#goRaw()
    }
    if (this.#phase === 'http') this.#parser.endClient()
    this.#fold.commitAlerts()
    this.#services.sink.flush()
    this.#settle()
    if (this.#isOpen()) this.#link.toServer.end()
  }

  #serverEnd(): void {
    this.#inbox.catchUp()
    if (this.#phase === 'over') return
    if (this.#phase === 'http' || this.#phase === 'deferred') this.#parser.endServer()
    this.#fold.commitAlerts()
    this.#services.sink.flush()
    this.#settle()
    if (!this.#isOpen()) return
    if (this.#phase === 'deferred') this.#own.giveLast()
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
    if (this.#own.isRefusing) return this.#reset()
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
    const { toServer, toClient } = this.#link
    // Alerts first: nothing leaves before what was found in it is on disk.
    this.#fold.commitAlerts()
    if (this.#inbox.isInspecting) return
    if (this.#services.sink.isPending) {
      if (this.#parser.clientHeld && toServer.heldBytes > HIGH_WATER_BYTES) {
        toServer.pause(PAUSED_BY_PARSER)
      }
      this.#inbox.waitForTurn()
      return
    }
    if (this.#fold.live === 0 && this.#phase === 'http' && !this.#own.isRefusing) this.#goRaw()
    toServer.flush()
    toClient.flush()
    this.#own.giveDue()
    if (this.#phase !== 'http') return
    if (this.#parser.clientHeld) toServer.pause(PAUSED_BY_PARSER)
    else toServer.resume(PAUSED_BY_PARSER)
  }

  // Events of the parser. A decision ends the parsing; no further event comes out of the same chunk.

  requestHead(transaction: HttpTransaction, endOffset: number): void {
    this.#services.counters.requests++
    this.#incoming = transaction
    this.#isForwarding = false
    const decision = this.#fold.requestHead(transaction)
    if (decision !== PROCEED) return this.#stopRequest(decision, transaction, endOffset, false)
    const holds = this.#fold.holdsBody('to_server', transaction)
    if (holds === 'drop') return this.#reset()
    this.#holdsRequest = holds === 'hold'
    if (this.#holdsRequest) this.#own.continueIfExpected(transaction)
    else this.#releaseRequest(endOffset)
  }

  requestBody(transaction: HttpTransaction, chunk: Buffer, endOffset: number): void {
    if (this.#own.skip(endOffset, false)) return
    const decision = this.#fold.requestBody(transaction, chunk)
    if (decision !== PROCEED) return this.#stopRequest(decision, transaction, endOffset, false)
    if (this.#holdsRequest) {
      const holds = holdsOn('to_server', transaction, this.#link, this.#services, this.#fold)
      if (holds === 'drop') return this.#reset()
      this.#holdsRequest = holds === 'hold'
    }
    if (!this.#holdsRequest) this.#releaseRequest(endOffset)
  }

  requestEnd(transaction: HttpTransaction, endOffset: number): void {
    if (this.#own.skip(endOffset, true)) return
    const decision = this.#fold.requestEnd(transaction)
    if (decision !== PROCEED) return this.#stopRequest(decision, transaction, endOffset, true)
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
    if (holds === 'drop') return this.#reset()
    this.#holdsResponse = holds === 'hold'
    if (!this.#holdsResponse) this.#releaseResponse(transaction, endOffset)
  }

  responseBody(transaction: HttpTransaction, chunk: Buffer, endOffset: number): void {
    const decision = this.#fold.responseBody(transaction, chunk)
    if (decision !== PROCEED) return this.#decide(decision, 'to_client', transaction)
    if (this.#holdsResponse) {
      const holds = holdsOn('to_client', transaction, this.#link, this.#services, this.#fold)
      if (holds === 'drop') return this.#reset()
      this.#holdsResponse = holds === 'hold'
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
    if (reportTunnel(transaction, this.#fold) === 'dropped') return this.#reset()
    this.#goRaw()
  }

  error(error: HttpError): void {
    if (error.flow === 'to_server' && this.#own.isAnswered) {
      // Of a request that has its answer.
      this.#end()
      this.#link.answer(null)
      return
    }
    const transaction = error.flow === 'to_server' ? this.#incoming : null
    const judgement = reportHttpError(error, transaction, this.#inFlight !== null, {
      fold: this.#fold,
      alerts: this.#services.violationAlerts,
    })
    switch (judgement.action) {
      case 'raw':
        return this.#goRaw()
      case 'reset':
        return this.#reset()
      case 'answer':
        return this.#answerLast({ status: judgement.status, transaction }, error.flow)
    }
  }

  /** A request must not go on. Where nothing of it has left, the connection may. */
  #stopRequest(
    decision: Decision,
    transaction: HttpTransaction,
    endOffset: number,
    isEnded: boolean,
  ): void {
    const isUntouched = !this.#isForwarding && transaction.response === null
    if (decision.kind !== 'block' || !isUntouched || !mayKeepOpen(transaction, isEnded)) {
      return this.#decide(decision, 'to_server', transaction)
    }
    this.#holdsRequest = false
    this.#incoming = null
    this.#own.refuse({ ...decision, transaction }, endOffset, isEnded)
  }

  /** Carries out what the chain decided: the flow ends. */
  #decide(decision: Decision, flow: Flow, transaction: HttpTransaction | null): void {
    if (decision.kind !== 'block') return this.#reset()
    // What was let go before the decision concerns earlier messages only, and still goes.
    this.#answerLast({ ...decision, transaction }, flow)
  }

  /** Once the alert is on disk, and the server has answered what came before. */
  #answerLast(answer: Answer, flow: Flow): void {
    const mustWait = flow === 'to_server' && this.#own.owesEarlier(answer.transaction)
    if (!mustWait) {
      const isHttp = this.#phase === 'http' || this.#phase === 'deferred'
      if ((this.#inFlight !== null || !isHttp) && answer.status !== null) return this.#reset()
      this.#parser.stop()
    }
    this.#phase = 'deferred'
    this.#own.setLast(answer, mustWait)
  }

  #reset(): void {
    this.#services.sink.flush()
    this.#end()
    this.#link.reset()
  }

  #end(): void {
    this.#phase = 'over'
    this.#own.stop()
    this.#parser.stop()
  }

  #releaseRequest(endOffset: number): void {
    this.#isForwarding = true
    this.#link.toServer.release(endOffset)
  }

  #releaseResponse(transaction: HttpTransaction, endOffset: number): void {
    this.#inFlight = transaction
    this.#link.toClient.release(endOffset)
  }
}
