import { read, writeSync } from 'node:fs'
import { MAX_FRAME_BYTES } from './limits.ts'

/** After a read that failed for another reason than silence. */
const ERROR_PAUSE_MS = 100
/** What the socket says when nothing came within its time, and when one frame could not be handed over. */
const SILENCE = new Set(['EAGAIN', 'EWOULDBLOCK', 'EINTR'])

export interface FrameEvents {
  /** A frame with its offload header. The bytes are valid during the call only. */
  frame(bytes: Buffer): void
  error(): void
}

/**
 * Frames of a packet socket that this process inherited (`steering/domain/launch-supervisor.pl`). Node has no
 * such sockets; but one `read` of it is one frame, and one `write` sends one. The read waits in the thread
 * pool for as long as the socket's receive timeout says, so it occupies one thread of it and ends in time.
 */
export class FrameSocket {
  readonly #fd: number
  readonly #events: FrameEvents
  readonly #buffer = Buffer.allocUnsafeSlow(MAX_FRAME_BYTES)
  #isReading = false
  #isWanted = false

  constructor(fd: number, events: FrameEvents) {
    this.#fd = fd
    this.#events = events
  }

  start(): void {
    this.#isWanted = true
    if (!this.#isReading) this.#read()
  }

  /** A frame that a read under way brings is still handed over. */
  stop(): void {
    this.#isWanted = false
  }

  /** @returns false when the kernel did not take it */
  write(frame: Buffer): boolean {
    try {
      return writeSync(this.#fd, frame) === frame.length
    } catch {
      return false
    }
  }

  #read(): void {
    this.#isReading = true
    read(this.#fd, this.#buffer, 0, MAX_FRAME_BYTES, null, (error, length) => {
      this.#isReading = false
      if (error === null) this.#events.frame(this.#buffer.subarray(0, length))
      else if (!SILENCE.has(error.code ?? '')) {
        this.#events.error()
        setTimeout(() => this.#next(), ERROR_PAUSE_MS)
        return
      }
      this.#next()
    })
  }

  #next(): void {
    if (this.#isWanted && !this.#isReading) this.#read()
  }
}
