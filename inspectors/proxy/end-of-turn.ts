import type { FlushableSink } from './flow-services.ts'

/** Who waits for alerts to be on disk. */
export interface AwaitsDisk {
  /** What was found until then is on disk. */
  turnEnded(): void
}

/**
 * The end of a turn of the event loop: alerts of all flows that had some in it go to disk in one write,
 * then the flows let go what waited for that.
 */
export class EndOfTurn {
  readonly #sink: FlushableSink
  #waiting: AwaitsDisk[] = []

  constructor(sink: FlushableSink) {
    this.#sink = sink
  }

  /** To be called once per turn for each that waits. */
  add(flow: AwaitsDisk): void {
    // Runs after all sockets that had something were read.
    if (this.#waiting.push(flow) === 1) setImmediate(() => this.#end())
  }

  #end(): void {
    const waiting = this.#waiting
    this.#waiting = []
    this.#sink.flush()
    for (const flow of waiting) flow.turnEnded()
  }
}
