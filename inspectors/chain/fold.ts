import type { HttpTransaction } from '../http/transaction.ts'
import type { Packet } from '../ids/capture/packet.ts'
import type { Alert, Connection, ConnectionInspector, Flow, Verdict } from '../inspector.ts'
import { observeInspection, type FailureKind } from './counters.ts'
import { type Decision, DROP, PROCEED } from './decision.ts'
import { DROP_DATAGRAM, FAILED_CLOSED } from './datagram-decision.ts'
import type { AlertSink, AlertVerdict, Hop } from './hop.ts'
import { PendingAlerts } from './pending-alerts.ts'
import {
  ask,
  BYTES,
  CLOSE,
  DATAGRAM,
  REQUEST_BODY,
  REQUEST_END,
  REQUEST_HEAD,
  RESPONSE_BODY,
  RESPONSE_END,
  RESPONSE_HEAD,
  TRANSACTION_END,
  type EventCode,
} from './event.ts'
import { failureAlert } from './failure-alert.ts'
import { type InspectionClock, PROCESS_CLOCK } from './inspection-clock.ts'
import { namedAlerts } from './named-alerts.ts'
import type { RateLimit } from './rate-limit.ts'

/**
 * The chain of one connection: a fold of its hops over the events of its protocols.
 *
 * For each event the live hops are asked in order. The first that blocks or drops ends the fold; alerts
 * are told to the sink in the order in which they were found; a hop that answers `bypass` sees nothing
 * more of the flow. In mode `detect` a block or drop becomes alerts with the verdict `would-block`.
 *
 * This is the one place where a hop that cannot do its work is mapped to its `onFailure`: an exception,
 * an event that had it at work for more than EVENT_BUDGET_MS (known only afterwards: a call cannot be interrupted)
 * or a body held beyond its bound. `open`: the flow goes on without the hop. `closed`: it is reset.
 *
 * Alerts about bytes that are held wait with them (`pending-alerts.ts`): when a later event stops the
 * transaction, they say so.
 *
 * A pass costs, per hop and event, one call and one reading of the clock; it allocates nothing.
 */

const NO_BYTES = Buffer.alloc(0)

export interface FoldOptions {
  readonly sink: AlertSink
  /** Failures repeat with the traffic: each hop alerts about one kind of failure once in a while. */
  readonly failureAlerts: RateLimit
  /** A test passes its own. */
  readonly clock?: InspectionClock
}

export class ChainFold {
  readonly connection: Connection
  readonly pending: PendingAlerts
  readonly #hops: readonly Hop[]
  /** Null where the hop has nothing more to see. */
  readonly #inspectors: (ConnectionInspector | null)[]
  readonly #spentMs: Float64Array
  readonly #options: FoldOptions
  readonly #clock: InspectionClock
  #live = 0
  /** Hops that asked to hold the body that is travelling now, per direction. */
  #holdingRequest = 0
  #holdingResponse = 0
  #transaction: HttpTransaction | null = null
  #packet: Packet | null = null
  #isClosed = false
  /** Set when a hop that must not be missed failed while it was opened. */
  #openDecision: Decision = PROCEED

  constructor(hops: readonly Hop[], connection: Connection, options: FoldOptions) {
    this.connection = connection
    this.#hops = hops
    this.#options = options
    this.pending = new PendingAlerts(options.sink)
    this.#clock = options.clock ?? PROCESS_CLOCK
    this.#inspectors = Array<ConnectionInspector | null>(hops.length).fill(null)
    this.#spentMs = new Float64Array(hops.length)
    for (let index = 0; index < hops.length; index++) {
      hops[index].counters.flows++
      this.#live++
      try {
        this.#inspectors[index] = hops[index].inspector.open(connection)
      } catch (cause) {
        const decision = this.#fail(index, 'exception', 'to_server', cause)
        if (decision !== PROCEED) this.#openDecision = decision
      }
    }
    this.pending.commitAll()
  }

  /** Answer to the opening itself: `drop` when a hop with `onFailure: closed` could not open. */
  get openDecision(): Decision {
    return this.#openDecision
  }

  /** Hops that still look at the flow; with none left its bytes need no parsing. */
  get live(): number {
    return this.#live
  }

  /**
   * True while an inspector that protects an HTTP server and may block is live: what cannot be parsed
   * must then not reach the server.
   */
  get enforcesHttp(): boolean {
    for (let index = 0; index < this.#hops.length; index++) {
      const { inspector } = this.#hops[index]
      if (
        this.#inspectors[index] !== null &&
        inspector.type === 'waf' &&
        inspector.mode === 'block'
      ) {
        return true
      }
    }
    return false
  }

  /** Its alerts wait for the events that the chunk completes; see `commitAlerts`. */
  bytes(flow: Flow, chunk: Buffer): Decision {
    return this.#run(BYTES, flow, null, chunk)
  }
  /** Its alerts wait for the answer of `holdsBody`. */
  requestHead(transaction: HttpTransaction): Decision {
    return this.#run(REQUEST_HEAD, 'to_server', transaction, NO_BYTES)
  }
  requestBody(transaction: HttpTransaction, chunk: Buffer): Decision {
    const decision = this.#run(REQUEST_BODY, 'to_server', transaction, chunk)
    if (this.#holdingRequest === 0) this.pending.commit(transaction)
    return decision
  }
  requestEnd(transaction: HttpTransaction): Decision {
    this.#holdingRequest = 0
    const decision = this.#run(REQUEST_END, 'to_server', transaction, NO_BYTES)
    this.pending.commit(transaction)
    return decision
  }
  responseHead(transaction: HttpTransaction): Decision {
    return this.#run(RESPONSE_HEAD, 'to_client', transaction, NO_BYTES)
  }
  responseBody(transaction: HttpTransaction, chunk: Buffer): Decision {
    const decision = this.#run(RESPONSE_BODY, 'to_client', transaction, chunk)
    if (this.#holdingResponse === 0) this.pending.commit(transaction)
    return decision
  }
  responseEnd(transaction: HttpTransaction): Decision {
    this.#holdingResponse = 0
    const decision = this.#run(RESPONSE_END, 'to_client', transaction, NO_BYTES)
    this.pending.commit(transaction)
    return decision
  }

  /** Logging phase: what is found here can no longer be stopped, so it is only alerted. */
  transactionEnd(transaction: HttpTransaction): void {
    this.#run(TRANSACTION_END, 'to_client', transaction, NO_BYTES)
    this.pending.commit(transaction)
    this.#observe()
  }

  /** The request was answered in place of the server, and the connection goes on without it. */
  refused(transaction: HttpTransaction): void {
    this.#holdingRequest = 0
    this.transactionEnd(transaction)
    this.pending.reopen()
  }

  /** One datagram: `DROP`, `DROP_DATAGRAM` or `FAILED_CLOSED` where it must not go on. */
  datagram(flow: Flow, packet: Packet): Decision {
    this.#packet = packet
    const decision = this.#run(DATAGRAM, flow, null, NO_BYTES)
    this.pending.commitAll()
    this.pending.reopen()
    return decision
  }

  /** Last event of the flow. Safe to call twice. */
  close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#run(CLOSE, 'to_client', null, NO_BYTES)
    this.pending.commitAll()
    this.#observe()
  }

  /** Nothing more comes out of the bytes shown last: what was found in them alone is told. */
  commitAlerts(): void {
    if (this.#holdingRequest === 0 && this.#holdingResponse === 0) this.pending.commitAll()
  }

  /**
   * Asked after the head of the direction was answered, and after each chunk while it holds. Hops in
   * mode `detect` never hold: they have no verdict to wait for.
   *
   * @returns `hold`: keep head and body until the end was answered; `drop`: a hop failed closed
   */
  holdsBody(flow: Flow, transaction: HttpTransaction): 'hold' | 'stream' | 'drop' {
    let holding = 0
    for (let index = 0; index < this.#hops.length; index++) {
      const inspector = this.#inspectors[index]
      if (inspector === null || this.#hops[index].inspector.mode === 'detect') continue
      try {
        const holds =
          flow === 'to_server'
            ? inspector.holdsRequestBody(transaction)
            : inspector.holdsResponseBody(transaction)
        if (holds) holding |= 1 << index
      } catch (cause) {
        if (this.#fail(index, 'exception', flow, cause) !== PROCEED) return 'drop'
      }
    }
    if (flow === 'to_server') this.#holdingRequest = holding
    else this.#holdingResponse = holding
    if (holding !== 0) return 'hold'
    this.pending.commit(transaction)
    return 'stream'
  }

  /** A held body outgrew its bound: every hop that wanted it has failed. */
  overrun(flow: Flow): Decision {
    const holding = flow === 'to_server' ? this.#holdingRequest : this.#holdingResponse
    let decision: Decision = PROCEED
    for (let index = 0; index < this.#hops.length; index++) {
      if ((holding & (1 << index)) === 0 || this.#inspectors[index] === null) continue
      const answer = this.#fail(index, 'buffer-overrun', flow, undefined)
      if (answer !== PROCEED) decision = answer
    }
    if (flow === 'to_server') this.#holdingRequest = 0
    else this.#holdingResponse = 0
    return decision
  }

  /** An alert of the front itself, told in the name of the first hop that is live. */
  report(
    alert: Alert,
    verdict: AlertVerdict,
    flow: Flow,
    transaction: HttpTransaction | null,
  ): void {
    const index = Math.max(
      0,
      this.#inspectors.findIndex((inspector) => inspector !== null),
    )
    this.#tell(index, alert, verdict, flow, transaction, 'portcullis')
  }

  #run(event: EventCode, flow: Flow, transaction: HttpTransaction | null, chunk: Buffer): Decision {
    const inspectors = this.#inspectors
    this.#transaction = transaction
    let startedAt = this.#clock.begin()
    for (let index = 0; index < inspectors.length; index++) {
      const inspector = inspectors[index]
      if (inspector === null) continue
      let verdict: Verdict
      try {
        verdict = ask(inspector, event, flow, transaction, chunk, this.#packet)
      } catch (cause) {
        const decision = this.#fail(index, 'exception', flow, cause)
        if (decision !== PROCEED) return decision
        startedAt = this.#clock.now()
        continue
      }
      const endedAt = this.#clock.now()
      const elapsedMs = endedAt - startedAt
      startedAt = endedAt
      this.#spentMs[index] += elapsedMs
      if (verdict.kind !== 'pass') {
        const decision = this.#judge(index, verdict, event, flow, transaction)
        if (decision !== PROCEED) return decision
      }
      if (this.#clock.isOverBudget(elapsedMs) && inspectors[index] !== null) {
        const decision = this.#fail(index, 'time-budget', flow, undefined)
        if (decision !== PROCEED) return decision
      }
    }
    return PROCEED
  }

  #judge(
    index: number,
    verdict: Exclude<Verdict, { kind: 'pass' }>,
    event: EventCode,
    flow: Flow,
    transaction: HttpTransaction | null,
  ): Decision {
    const hop = this.#hops[index]
    const { counters } = hop
    switch (verdict.kind) {
      case 'alert':
      case 'bypass':
        this.#tellAll(index, verdict.alerts, 'passed', flow, transaction)
        if (verdict.kind === 'alert') return PROCEED
        counters.bypassed++
        this.#retire(index)
        return PROCEED
      case 'block':
      case 'drop': {
        if (event === TRANSACTION_END || event === CLOSE) {
          this.#tellAll(index, verdict.alerts, 'passed', flow, transaction)
          return PROCEED
        }
        if (hop.inspector.mode === 'detect') {
          counters.wouldBlock++
          this.#tellAll(index, verdict.alerts, 'would-block', flow, transaction)
          return PROCEED
        }
        const isBlock = verdict.kind === 'block'
        const ending = isBlock ? 'blocked' : 'dropped'
        counters[ending]++
        this.#tellAll(index, namedAlerts(hop.inspector.type, verdict), ending, flow, transaction)
        this.pending.conclude(ending, transaction, isBlock ? verdict.status : null)
        if (!isBlock) return verdict.scope === 'datagram' ? DROP_DATAGRAM : DROP
        return verdict.location === undefined
          ? { kind: 'block', status: verdict.status }
          : { kind: 'block', status: verdict.status, location: verdict.location }
      }
    }
  }

  #fail(index: number, kind: FailureKind, flow: Flow, cause: unknown): Decision {
    const hop = this.#hops[index]
    const { counters, context } = hop
    if (kind === 'exception') counters.failedException++
    else if (kind === 'time-budget') counters.failedTimeBudget++
    else counters.failedBufferOverrun++
    const isOpen = hop.onFailure === 'open'
    if (isOpen) counters.failedOpen++
    else counters.failedClosed++
    const withheld = this.#options.failureAlerts.take(
      `${context.tenant}/${context.chain}/${context.inspector}/${kind}`,
    )
    if (withheld !== null) {
      const alert = failureAlert(context.inspector, kind, cause, withheld, !isOpen)
      this.#tell(
        index,
        alert,
        isOpen ? 'bypassed' : 'dropped',
        flow,
        this.#transaction,
        'portcullis',
      )
    }
    this.#retire(index)
    if (isOpen) return PROCEED
    this.pending.conclude('dropped', null, null)
    return FAILED_CLOSED
  }

  #retire(index: number): void {
    // Also when `open` threw and there never was one.
    this.#inspectors[index] = null
    this.#live--
    this.#holdingRequest &= ~(1 << index)
    this.#holdingResponse &= ~(1 << index)
  }

  #observe(): void {
    for (let index = 0; index < this.#hops.length; index++) {
      const spentMs = this.#spentMs[index]
      if (spentMs === 0) continue
      observeInspection(this.#hops[index].counters, spentMs)
      this.#spentMs[index] = 0
    }
  }

  #tellAll(
    index: number,
    alerts: readonly Alert[],
    verdict: AlertVerdict,
    flow: Flow,
    transaction: HttpTransaction | null,
  ): void {
    for (const alert of alerts) this.#tell(index, alert, verdict, flow, transaction)
  }

  #tell(
    index: number,
    alert: Alert,
    verdict: AlertVerdict,
    flow: Flow,
    transaction: HttpTransaction | null,
    inspector?: 'portcullis',
  ): void {
    const { context, counters } = this.#hops[index]
    if (alert.isLogOnly !== true) counters.alerts++
    this.pending.add({
      context: inspector === undefined ? context : { ...context, inspector },
      connection: this.connection,
      transaction,
      alert,
      verdict,
      flow,
    })
  }
}
