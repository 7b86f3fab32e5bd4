import type {
  HttpRequestHead,
  HttpResponseHead,
  HttpTransaction,
} from '#inspectors/http/transaction.ts'
import {
  type Alert,
  type Connection,
  type ConnectionInspector,
  PASS,
  type Verdict,
} from '#inspectors/inspector.ts'
import type { Phase } from '#signatures/seclang/model.ts'
import type { Auditor } from './audit/auditor.ts'
import { maskedAlerts } from './audit/masked-alerts.ts'
import { BodyBuffer } from './body/body-buffer.ts'
import { inflateBody } from './body/inflate.ts'
import { baseMediaType } from './body/media-type.ts'
import { forgetRequestBody, readRequestBody } from './body/request-body.ts'
import type { Program } from './compile/program.ts'
import type { Evaluator } from './evaluate/evaluator.ts'
import { RepeatedRun } from './evaluate/known-request.ts'
import { leaveOut } from './evaluate/leave-out.ts'
import type { RuleHit } from './transaction/rule-hit.ts'
import { alertOf, engineAlert, isAlert } from './report.ts'
import { MAX_INFLATION, type WafConfiguration } from './settings.ts'
import { forgetBody, forgetResponse } from './transaction/collections.ts'
import type { PersistentStore } from './transaction/persistent-store.ts'
import { Transaction } from './transaction/transaction.ts'
import { TxStore } from './transaction/tx-store.ts'

/** Ids of alerts that the engine raises itself. */
export const ALERT_REQUEST_LIMIT = 200_090
export const ALERT_RESPONSE_LIMIT = 200_091

const STATUS_TOO_LARGE = 413
const STATUS_RESPONSE_REFUSED = 500

/** What all connections of a WAF share. */
export interface WafContext {
  readonly configuration: WafConfiguration
  readonly program: Program
  readonly evaluator: Evaluator
  readonly store: PersistentStore
  readonly audit: Auditor | null
  /** Told every logged rule, bookkeeping included, in order. For audit logs and conformance runs. */
  readonly onHit: ((transaction: Transaction, hit: RuleHit) => void) | null
  /** Told after each phase. For explanations. */
  readonly onPhase: ((program: Program, transaction: Transaction, phase: Phase) => void) | null
}

interface Exchange {
  readonly transaction: Transaction
  readonly request: BodyBuffer
  readonly response: BodyBuffer
  /** Highest phase that has run. */
  phase: 0 | Phase
  /** Hits that were turned into alerts so far. */
  reported: number
  isInterceptionTold: boolean
  readonly repeated: RepeatedRun
}

/** The WAF's view of one connection: events in, phases run, verdicts out. */
export class WafConnection implements ConnectionInspector {
  readonly #context: WafContext
  readonly #connection: Connection
  readonly #exchanges = new Map<HttpTransaction, Exchange>()

  constructor(context: WafContext, connection: Connection) {
    this.#context = context
    this.#connection = connection
  }

  bytes(): Verdict {
    return PASS
  }

  requestHead(http: HttpTransaction): Verdict {
    const { configuration, program, store } = this.#context
    const tx = new TxStore(program.txNames, program.initialTx)
    const transaction = new Transaction(http, this.#connection, configuration, store, tx)
    leaveOut(program.exclusions, transaction)
    const exchange: Exchange = {
      transaction,
      request: new BodyBuffer(),
      response: new BodyBuffer(),
      phase: 0,
      reported: 0,
      isInterceptionTold: false,
      repeated: new RepeatedRun(),
    }
    this.#exchanges.set(http, exchange)
    this.#run(exchange, 1)
    // Without a body to wait for, the second phase needs not wait either.
    const hasBody = transaction.requestBodyAccess && http.request.framing.kind !== 'none'
    if (!hasBody) this.#run(exchange, 2)
    return this.#verdict(exchange)
  }

  holdsRequestBody(http: HttpTransaction): boolean {
    const exchange = this.#exchanges.get(http)
    return exchange !== undefined && this.#isWaiting(exchange, 2) && this.#isBlocking(exchange)
  }

  requestBody(http: HttpTransaction, chunk: Buffer): Verdict {
    const exchange = this.#exchanges.get(http)
    if (exchange === undefined || !this.#isWaiting(exchange, 2)) return PASS
    const { transaction, request } = exchange
    if (request.append(chunk, transaction.requestBodyLimit, lengthOf(http.request))) return PASS
    return this.#requestOverLimit(exchange)
  }

  requestEnd(http: HttpTransaction): Verdict {
    const exchange = this.#exchanges.get(http)
    if (exchange === undefined || !this.#isWaiting(exchange, 2)) return PASS
    const { transaction, request } = exchange
    let verdict: Verdict = PASS
    if (request.length > 0 && readRequestBody(transaction, request.take()) === 'over-limit') {
      verdict = this.#requestOverLimit(exchange)
      if (verdict.kind === 'block') return verdict
    }
    this.#run(exchange, 2)
    return withAlertsOf(verdict, this.#verdict(exchange))
  }

  responseHead(http: HttpTransaction): Verdict {
    const exchange = this.#exchanges.get(http)
    if (exchange === undefined) return PASS
    // An answer before the request's end: what is there of the request is inspected now.
    if (this.#isWaiting(exchange, 2)) this.#run(exchange, 2)
    forgetResponse(exchange.transaction)
    this.#run(exchange, 3)
    if (!this.#inspectsResponseBody(exchange)) this.#run(exchange, 4)
    return this.#verdict(exchange)
  }

  holdsResponseBody(http: HttpTransaction): boolean {
    const exchange = this.#exchanges.get(http)
    if (exchange === undefined || !this.#isWaiting(exchange, 4)) return false
    if (isEventStream(exchange.transaction)) return false
    const framing = http.response?.framing
    const { responseBodyLimit } = exchange.transaction
    // More than is inspected will come: the rest would be held for nothing.
    if (framing?.kind === 'length' && framing.bytes > responseBodyLimit) return false
    return this.#isBlocking(exchange)
  }

  responseBody(http: HttpTransaction, chunk: Buffer): Verdict {
    const exchange = this.#exchanges.get(http)
    if (exchange === undefined || !this.#isWaiting(exchange, 4)) return PASS
    const { transaction, response } = exchange
    const expected = http.response === null ? undefined : lengthOf(http.response)
    if (response.append(chunk, transaction.responseBodyLimit, expected)) return PASS
    transaction.hasOutboundDataError = true
    const isRejected = transaction.configuration.responseBodyLimitAction === 'reject'
    if (isRejected && this.#isBlocking(exchange)) {
      const message = `The response body has more than ${transaction.responseBodyLimit} bytes`
      const alerts = [engineAlert(ALERT_RESPONSE_LIMIT, message, true)]
      exchange.phase = 4
      return { kind: 'block', status: STATUS_RESPONSE_REFUSED, alerts }
    }
    // What came so far is inspected, the rest passes.
    this.#readResponse(exchange)
    return this.#verdict(exchange)
  }

  responseEnd(http: HttpTransaction): Verdict {
    const exchange = this.#exchanges.get(http)
    if (exchange === undefined || !this.#isWaiting(exchange, 4)) return PASS
    this.#readResponse(exchange)
    return this.#verdict(exchange)
  }

  transactionEnd(http: HttpTransaction): Verdict {
    const exchange = this.#exchanges.get(http)
    if (exchange === undefined) return PASS
    this.#exchanges.delete(http)
    this.#run(exchange, 5)
    const verdict = this.#verdict(exchange)
    this.#context.audit?.add(exchange.transaction)
    forgetRequestBody(exchange.transaction)
    exchange.request.release()
    return verdict
  }

  close(): Verdict {
    this.#exchanges.clear()
    return PASS
  }

  /** True while a phase has not run and nothing was decided before it. */
  #isWaiting(exchange: Exchange, phase: Phase): boolean {
    return exchange.phase < phase && !this.#isOver(exchange)
  }

  #isBlocking(exchange: Exchange): boolean {
    return exchange.transaction.engine === 'on'
  }

  /** A request that was refused gets no more phases but the last. */
  #isOver({ transaction }: Exchange): boolean {
    return transaction.interception !== null && transaction.engine === 'on'
  }

  #run(exchange: Exchange, phase: Phase): void {
    const { transaction } = exchange
    if (exchange.phase >= phase) return
    if (phase !== 5 && this.#isOver(exchange)) return
    exchange.phase = phase
    const { allowed } = transaction
    if (allowed === 'phase') transaction.allowed = 'none'
    if (phase !== 5 && (allowed === 'transaction' || (allowed === 'request' && phase <= 2))) return
    this.#context.evaluator.runPhase(transaction, phase, exchange.repeated)
    const { onPhase, program } = this.#context
    if (onPhase !== null) onPhase(program, transaction, phase)
  }

  #requestOverLimit(exchange: Exchange): Verdict {
    const { transaction } = exchange
    if (transaction.hasInboundDataError) return PASS
    transaction.hasInboundDataError = true
    forgetBody(transaction)
    if (transaction.configuration.requestBodyLimitAction === 'process-partial') {
      // What came so far is inspected, the rest passes.
      if (exchange.request.length > 0) readRequestBody(transaction, exchange.request.take())
      this.#run(exchange, 2)
      return this.#verdict(exchange)
    }
    const message = 'The request body is larger than what is inspected'
    const isBlocking = this.#isBlocking(exchange)
    const alerts = [engineAlert(ALERT_REQUEST_LIMIT, message, true)]
    if (isBlocking) transaction.interception = { kind: 'deny', status: STATUS_TOO_LARGE }
    exchange.isInterceptionTold = true
    return { kind: 'block', status: STATUS_TOO_LARGE, alerts }
  }

  #inspectsResponseBody(exchange: Exchange): boolean {
    const { transaction } = exchange
    const { response } = transaction.http
    if (!transaction.responseBodyAccess || response === null || this.#isOver(exchange)) return false
    if (response.framing.kind === 'none' || transaction.engine === 'off') return false
    if (this.#context.program.phases[4].rules.length === 0) return false
    const type = transaction.responseHeader('content-type')
    const { responseBodyMimeTypes } = transaction.configuration
    return type !== null && responseBodyMimeTypes.includes(baseMediaType(type))
  }

  #readResponse(exchange: Exchange): void {
    const { transaction, response } = exchange
    const received = response.take()
    const coding = transaction.responseHeader('content-encoding')
    let bytes = received
    if (coding !== null) {
      const most = Math.min(transaction.responseBodyLimit, received.length * MAX_INFLATION)
      const result = inflateBody(received, coding, most)
      if (result.kind === 'inflated') {
        bytes = result.bytes
        transaction.isResponseInflated = true
      }
    }
    transaction.responseBodyLatin1 = bytes.toString('latin1')
    response.release()
    forgetResponse(transaction)
    this.#run(exchange, 4)
  }

  #verdict(exchange: Exchange): Verdict {
    const { transaction } = exchange
    const { hits, interception } = transaction
    const { onHit } = this.#context
    if (hits.length === exchange.reported) return PASS
    const told: Alert[] = []
    for (let index = exchange.reported; index < hits.length; index += 1) {
      const hit = hits[index]
      if (onHit !== null && (hit.rule.log || hit.isDecisive)) onHit(transaction, hit)
      const isToldOf = isAlert(hit)
      if (isToldOf || hit.rule.log) told.push(alertOf(hit, !isToldOf))
    }
    exchange.reported = hits.length
    const alerts = maskedAlerts(transaction, told)
    if (interception === null || exchange.isInterceptionTold) {
      return alerts.length === 0 ? PASS : { kind: 'alert', alerts }
    }
    exchange.isInterceptionTold = true
    // `ctl:ruleEngine=DetectionOnly`: the rules of a blocking chain only watch this transaction. In mode
    // `detect` the verdict is given all the same, and the chain tells it as would-block.
    if (transaction.configuration.mode === 'block' && transaction.engine !== 'on') {
      return { kind: 'alert', alerts }
    }
    switch (interception.kind) {
      case 'deny':
        return { kind: 'block', status: interception.status, alerts }
      case 'redirect':
        return { ...interception, kind: 'block', alerts }
      case 'drop':
        return { kind: 'drop', alerts }
    }
  }
}

/** Bytes that a message says its body has; undefined: it does not say. */
function lengthOf({ framing }: HttpRequestHead | HttpResponseHead): number | undefined {
  return framing.kind === 'length' ? framing.bytes : undefined
}

/** Events are for now: held until the stream ends they would never come. */
function isEventStream(transaction: Transaction): boolean {
  const type = transaction.responseHeader('content-type')
  return type !== null && baseMediaType(type) === 'text/event-stream'
}

/** In mode `detect` a body over its limit is told, and inspection goes on. */
function withAlertsOf(first: Verdict, second: Verdict): Verdict {
  if (first.kind === 'pass') return second
  if (second.kind === 'pass') return first
  return { ...first, alerts: [...first.alerts, ...second.alerts] }
}
