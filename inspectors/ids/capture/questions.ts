import type { HttpTransaction } from '#inspectors/http/transaction.ts'
import type { Flow, Verdict } from '#inspectors/inspector.ts'
import type { EncryptionHandling } from '../configuration/replay-settings.ts'
import type { IdsConnection } from '../connection.ts'
import type { StreamMode } from '../stream-inspection.ts'

/** Questions of one direction that wait for its next packet; then they are put at once. */
const MAX_LATER = 1024

export type HttpQuestion =
  | 'request-head'
  | 'request-body'
  | 'request-end'
  | 'response-head'
  | 'response-body'
  | 'response-end'
  | 'transaction-end'

/** One shape for all, as most have to wait. */
interface Question {
  readonly kind: HttpQuestion | 'stream' | 'other'
  readonly transaction: HttpTransaction | null
  readonly bytes: Buffer | null
  readonly isLast: boolean
  readonly ask: (() => Verdict) | null
}

/**
 * What the rules are asked about one flow, in order.
 *
 * Where traffic is watched, what a packet lets go belongs to the other direction: as Suricata has it, rules see it with
 * the next packet of its own.
 */
export class Questions {
  readonly #ids: IdsConnection
  readonly #mode: StreamMode
  readonly #holdsPackets: boolean
  readonly #encryption: EncryptionHandling
  readonly #later: Readonly<Record<Flow, Question[]>> = { to_server: [], to_client: [] }
  /** They are put as they come. */
  #isNow: boolean
  /** Direction of the packet that is being looked at. */
  #flow: Flow = 'to_server'
  #hasCaughtUp = false
  /** Its bytes cannot be read any more: rules about packets alone are left. */
  isEncrypted = false

  /** @param options.holdsPackets bytes that are asked about stay as they are */
  constructor(
    ids: IdsConnection,
    options: {
      readonly isNow: boolean
      readonly holdsPackets: boolean
      readonly encryption: EncryptionHandling
    },
  ) {
    this.#ids = ids
    this.#isNow = options.isNow
    this.#mode = options.isNow ? 'each' : 'stream'
    this.#holdsPackets = options.holdsPackets
    this.#encryption = options.encryption
  }

  /** False: a chunk that is asked about may have to be kept. */
  get isNow(): boolean {
    return this.#isNow
  }

  /** Nothing waits. */
  get isIdle(): boolean {
    return this.#later.to_server.length === 0 && this.#later.to_client.length === 0
  }

  /** A packet of this direction is looked at. */
  turnTo(flow: Flow): void {
    this.#flow = flow
  }

  /** No packet will come: from here on all is asked at once. */
  finish(): void {
    this.#isNow = true
  }

  http(kind: HttpQuestion, flow: Flow, transaction: HttpTransaction): void {
    this.#ask(flow, { kind, transaction, bytes: null, isLast: false, ask: null })
  }

  httpBody(
    kind: 'request-body' | 'response-body',
    flow: Flow,
    transaction: HttpTransaction,
    bytes: Buffer,
    isLast: boolean,
  ): void {
    this.#ask(flow, { kind, transaction, bytes, isLast, ask: null })
  }

  stream(flow: Flow, bytes: Buffer): void {
    this.#ask(flow, { kind: 'stream', transaction: null, bytes, isLast: false, ask: null })
  }

  other(flow: Flow, ask: () => Verdict): void {
    this.#ask(flow, { kind: 'other', transaction: null, bytes: null, isLast: false, ask })
  }

  /**
   * Puts what has waited for a packet of this direction.
   *
   * @returns true when anything was put, now or because too much waited
   */
  catchUp(flow: Flow): boolean {
    const later = flow === 'to_server' ? this.#later.to_server : this.#later.to_client
    if (later.length > 0) {
      for (let index = 0; index < later.length; index += 1) this.#put(flow, later[index])
      // Setting the length to 0 would give the memory back that the next packet needs again.
      while (later.length > 0) later.pop()
      this.#hasCaughtUp = true
    }
    const has = this.#hasCaughtUp
    this.#hasCaughtUp = false
    return has
  }

  #ask(flow: Flow, question: Question): void {
    const later = flow === 'to_server' ? this.#later.to_server : this.#later.to_client
    if (this.#isNow || (flow === this.#flow && later.length === 0)) {
      this.#put(flow, question)
      return
    }
    later.push(question)
    if (later.length < MAX_LATER) return
    // What waits for the packet that is being looked at is older, and may set bits that this asks for.
    this.catchUp(this.#flow)
    this.catchUp(flow)
    this.#hasCaughtUp = true
  }

  #put(flow: Flow, question: Question): void {
    if (this.isEncrypted) return
    const { kind } = this.#answer(flow, question)
    if (kind === 'bypass' && this.#encryption !== 'full') this.isEncrypted = true
  }

  #answer(flow: Flow, { kind, transaction, bytes, isLast, ask }: Question): Verdict {
    const ids = this.#ids
    switch (kind) {
      case 'stream':
        return ids.inspect(flow, bytes!, this.#mode, this.#holdsPackets)
      case 'request-head':
        return ids.requestHead(transaction!)
      case 'request-body':
        return ids.requestBody(transaction!, bytes!, isLast)
      case 'request-end':
        return ids.requestEnd(transaction!)
      case 'response-head':
        return ids.responseHead(transaction!)
      case 'response-body':
        return ids.responseBody(transaction!, bytes!, isLast)
      case 'response-end':
        return ids.responseEnd(transaction!)
      case 'transaction-end':
        return ids.transactionEnd(transaction!)
      case 'other':
        return ask!()
    }
  }
}
