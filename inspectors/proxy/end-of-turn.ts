import type { FlushableSink } from './flow-services.ts'
import { MAX_BATCHED_FLOWS } from './limits.ts'

/** A flow that has something to do at the end of a turn. */
export interface Batched {
  /** Looks at what it received, and tells the sink what it found. */
  inspectReceived(): void
  /** What was found until then is on disk. */
  turnEnded(): void
}

/**
 * The end of a turn of the event loop, when all sockets that had something were read.
 *
 * What arrived is inspected then, one flow after the other, and only after that is it written: between the
 * system calls of reading and writing the rules' code and tables leave the processor's caches, and to
 * inspect with them there takes half the time. Alerts of all these flows go to disk in one write, before any
 * flow lets go what they are about.
 */
export class EndOfTurn {
  readonly #sink: FlushableSink
  #waiting: Batched[] = []

  constructor(sink: FlushableSink) {
    this.#sink = sink
  }

  /** To be called once per turn for each that waits. */
  add(flow: Batched): void {
    if (this.#waiting.push(flow) === 1) setImmediate(() => this.#end())
  }

  #end(): void {
    const waiting = this.#waiting
    this.#waiting = []
    for (let start = 0; start < waiting.length; start += MAX_BATCHED_FLOWS) {
      const end = Math.min(waiting.length, start + MAX_BATCHED_FLOWS)
      for (let at = start; at < end; at += 1) waiting[at].inspectReceived()
      if (this.#sink.isPending) this.#sink.flush()
      for (let at = start; at < end; at += 1) waiting[at].turnEnded()
    }
  }
}
