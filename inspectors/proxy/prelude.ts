import { looksLikeHttp } from '../http/detect.ts'

const LINE_END = Buffer.from('\r\n')

/** Bytes of a client's first line, until there are enough to tell the protocol. Bounded by `detect.ts`. */
export class Prelude {
  #bytes: Buffer | null = null

  add(chunk: Buffer): 'yes' | 'no' | 'undecided' {
    this.#bytes = this.#bytes === null ? chunk : Buffer.concat([this.#bytes, chunk])
    return looksLikeHttp(this.#bytes)
  }

  /** The client says no more: whether its line, were it complete, would be HTTP. */
  isHttpAtEnd(): boolean {
    return looksLikeHttp(Buffer.concat([this.#bytes ?? Buffer.alloc(0), LINE_END])) === 'yes'
  }

  /** What came so far; nothing is kept. */
  take(): Buffer | null {
    const bytes = this.#bytes
    this.#bytes = null
    return bytes
  }
}
