import { closeSync, openSync, readSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'

const CHUNK_BYTES = 65_536
const POLL_MS = 1
const LF = 0x0a

/** Reads an error log while another process appends to it, line by line. */
export class ErrorLogReader {
  readonly #descriptor: number
  readonly #buffer = Buffer.alloc(CHUNK_BYTES)
  #position = 0
  #partial: Buffer = Buffer.alloc(0)

  /** @throws when the file is not there */
  constructor(path: string) {
    this.#descriptor = openSync(path, 'r')
  }

  close(): void {
    closeSync(this.#descriptor)
  }

  /**
   * Lines up to the first that holds `mark`, without it.
   *
   * @returns null when no such line came in time
   */
  async linesUntil(mark: string, timeoutMs: number): Promise<string[] | null> {
    const deadline = performance.now() + timeoutMs
    const lines: string[] = []
    for (;;) {
      for (let line = this.#nextLine(); line !== null; line = this.#nextLine()) {
        if (line.includes(mark)) return lines
        lines.push(line)
      }
      if (performance.now() > deadline) return null
      await sleep(POLL_MS)
    }
  }

  #nextLine(): string | null {
    for (;;) {
      const end = this.#partial.indexOf(LF)
      if (end !== -1) {
        const line = this.#partial.toString('utf8', 0, end)
        this.#partial = this.#partial.subarray(end + 1)
        return line
      }
      const read = readSync(this.#descriptor, this.#buffer, 0, CHUNK_BYTES, this.#position)
      if (read === 0) return null
      this.#position += read
      this.#partial = Buffer.concat([this.#partial, this.#buffer.subarray(0, read)])
    }
  }
}
