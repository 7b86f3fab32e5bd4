import type { DomainConfig } from '#chain/model/domain.ts'
import type { WorkerProcess } from './worker-process.ts'

/**
 * Sees to it that one worker that listens, and no other, reads the datagrams of the domain: the packets of a
 * flow then meet one memory. Who runs the current configuration comes first. While nobody reads, frames
 * wait in the socket.
 */
export class DatagramReader {
  #reader: WorkerProcess | null = null

  /** Called whenever a worker or the configuration has changed. */
  choose(workers: Iterable<WorkerProcess>, current: DomainConfig | null): void {
    let next: WorkerProcess | null = null
    for (const worker of workers) {
      if (worker.state !== 'listening') continue
      const isBetter = worker.config === current && next?.config !== current
      const isSame = worker === this.#reader && (worker.config === current || next === null)
      if (next === null || isBetter || isSame) next = worker
    }
    if (next === this.#reader) return
    // Who drains has stopped by itself.
    if (this.#reader?.state === 'listening') this.#reader.readDatagrams(false)
    next?.readDatagrams(true)
    this.#reader = next
  }
}
