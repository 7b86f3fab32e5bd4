import type { Flow } from '../inspector.ts'
import type { Batched, EndOfTurn } from './end-of-turn.ts'
import { MAX_TURN_BYTES } from './limits.ts'

/** Whose bytes an inbox keeps. */
export interface Receiver {
  /** Looks at a chunk, and settles. */
  look(flow: Flow, chunk: Buffer): void
  /** Tells what was found; writes what was released, unless `isInspecting`, or alerts must be on disk first. */
  settle(): void
}

/** What both sides of a flow sent in this turn, in the order in which it came. */
export class Inbox implements Batched {
  readonly #turn: EndOfTurn
  readonly #receiver: Receiver
  #chunks: Buffer[] = []
  #flows: Flow[] = []
  #bytes = 0
  #isInTurn = false
  /** The last chunk is being looked at: what it releases is written when the turn has ended. */
  isInspecting = false

  constructor(turn: EndOfTurn, receiver: Receiver) {
    this.#turn = turn
    this.#receiver = receiver
  }

  get isEmpty(): boolean {
    return this.#chunks.length === 0
  }

  add(flow: Flow, chunk: Buffer): void {
    this.#chunks.push(chunk)
    this.#flows.push(flow)
    this.#bytes += chunk.length
    if (this.#bytes > MAX_TURN_BYTES) this.catchUp()
    else this.waitForTurn()
  }

  /** The receiver settles when the turn has ended. */
  waitForTurn(): void {
    if (!this.#isInTurn) this.#turn.add(this)
    this.#isInTurn = true
  }

  /** Looks at once at what waits for the end of the turn. */
  catchUp(): void {
    if (this.isEmpty) return
    this.inspectReceived()
    this.#receiver.settle()
  }

  inspectReceived(): void {
    const chunks = this.#chunks
    if (chunks.length === 0) return
    const flows = this.#flows
    this.#chunks = []
    this.#flows = []
    this.#bytes = 0
    const last = chunks.length - 1
    // What one chunk decides (an answer of ours, a tunnel) is done before the next is looked at.
    for (let at = 0; at < last; at += 1) this.#receiver.look(flows[at], chunks[at])
    this.isInspecting = true
    this.#receiver.look(flows[last], chunks[last])
    this.isInspecting = false
  }

  turnEnded(): void {
    this.#isInTurn = false
    this.#receiver.settle()
  }
}
