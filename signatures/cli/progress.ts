import type { Sink } from './terminal.ts'

const BAR_WIDTH = 24
const REDRAW_MS = 100

/** One line on a terminal that says what is going on; nothing anywhere else. */
export class Progress {
  readonly #sink: Sink
  readonly #now: () => number
  #drawnAt = -REDRAW_MS
  #isDrawn = false

  constructor(sink: Sink, now: () => number = performance.now.bind(performance)) {
    this.#sink = sink
    this.#now = now
  }

  /** @param fraction 0 to 1; left out where the end is not known */
  show(label: string, fraction?: number): void {
    if (this.#sink.isTTY !== true) return
    const at = this.#now()
    if (fraction !== undefined && fraction < 1 && at - this.#drawnAt < REDRAW_MS) return
    this.#drawnAt = at
    this.#isDrawn = true
    const done = Math.round((fraction ?? 0) * BAR_WIDTH)
    const bar =
      fraction === undefined
        ? '...'
        : ` [${'#'.repeat(done).padEnd(BAR_WIDTH, '.')}] ${Math.floor(fraction * 100)}%`
    const width = Math.max(20, (this.#sink.columns || 80) - 1)
    this.#sink.write(`\r\x1b[K${(label + bar).slice(0, width)}`)
  }

  clear(): void {
    if (this.#isDrawn) this.#sink.write('\r\x1b[K')
    this.#isDrawn = false
    this.#drawnAt = -REDRAW_MS
  }
}
