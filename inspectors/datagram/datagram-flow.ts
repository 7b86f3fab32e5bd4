import { DROP_DATAGRAM, FAILED_CLOSED } from '../chain/datagram-decision.ts'
import { PROCEED } from '../chain/decision.ts'
import { ChainFold, type FoldOptions } from '../chain/fold.ts'
import type { Hop } from '../chain/hop.ts'
import type { Packet } from '../ids/capture/packet.ts'
import type { Connection, Flow } from '../inspector.ts'
import { ANSWERED_IDLE_MS, UNANSWERED_IDLE_MS } from './limits.ts'

/**
 * One flow of datagrams through its chain. UDP has no connection to reset: a drop stops the datagram, and
 * where the rule is meant for the flow, all that follow until the flow was quiet for its time. A hop that
 * failed with `onFailure: closed` stops its datagram, and the next one begins the flow anew.
 */
export class DatagramFlow {
  /** Endpoints of the client's datagrams, as the table of flows has them. */
  readonly key: string
  readonly connection: Connection
  lastMs: number
  readonly #fold: ChainFold | null
  #isAnswered = false
  #isStopped = false
  #isOver = false

  constructor(
    key: string,
    connection: Connection,
    hops: readonly Hop[],
    options: FoldOptions,
    nowMs: number,
  ) {
    this.key = key
    this.connection = connection
    this.lastMs = nowMs
    this.#fold = hops.length === 0 ? null : new ChainFold(hops, connection, options)
    this.#isOver = this.#fold !== null && this.#fold.openDecision !== PROCEED
  }

  /** A hop that must not be missed has failed: the flow is to be forgotten. */
  get isOver(): boolean {
    return this.#isOver
  }

  /** @returns whether the datagram may go on */
  inspect(packet: Packet, flow: Flow, nowMs: number): boolean {
    this.lastMs = nowMs
    if (flow === 'to_client') this.#isAnswered = true
    const fold = this.#fold
    if (fold === null) return true
    if (this.#isStopped || this.#isOver) return false
    const decision = fold.datagram(flow, packet)
    if (decision === PROCEED) return true
    this.#isOver = decision === FAILED_CLOSED
    this.#isStopped = decision !== DROP_DATAGRAM
    return false
  }

  isIdle(nowMs: number): boolean {
    return nowMs - this.lastMs > (this.#isAnswered ? ANSWERED_IDLE_MS : UNANSWERED_IDLE_MS)
  }

  close(): void {
    this.#fold?.close()
  }
}
