import { RpcError } from './errors.ts'

/** Longest JSON text that is taken from a peer: a bridge of 10,000 ports needs about 15 MB. */
export const MAX_FRAME_BYTES = 134_217_728

const QUOTE = 0x22
const BACKSLASH = 0x5c
const OPEN_BRACE = 0x7b
const CLOSE_BRACE = 0x7d
const OPEN_BRACKET = 0x5b
const CLOSE_BRACKET = 0x5d

/**
 * Cuts a byte stream into JSON texts. OVSDB sends objects one after the other with nothing in between
 * (RFC 7047, 4.1: "transmitted as a direct, plain JSON stream"), so the end of a text is where its
 * brackets close. Cost: a look at each byte, once. Strings are skipped, their escapes respected.
 */
export class JsonFrames {
  readonly #maximum: number
  #chunks: Buffer[] = []
  #bytes = 0
  #depth = 0
  #inString = false
  #isEscaped = false

  constructor(maximumBytes = MAX_FRAME_BYTES) {
    this.#maximum = maximumBytes
  }

  /**
   * @returns the texts that this chunk completes
   * @throws RpcError `PROTOCOL` when a text is too long or something other than white space stands
   *   between two of them
   */
  push(chunk: Buffer): string[] {
    const texts: string[] = []
    let start = 0
    for (let index = 0; index < chunk.length; index++) {
      const byte = chunk[index]
      if (this.#inString) {
        if (this.#isEscaped) this.#isEscaped = false
        else if (byte === BACKSLASH) this.#isEscaped = true
        else if (byte === QUOTE) this.#inString = false
      } else if (byte === QUOTE && this.#depth > 0) this.#inString = true
      else if (byte === OPEN_BRACE || byte === OPEN_BRACKET) {
        if (this.#depth++ === 0) start = index
      } else if ((byte === CLOSE_BRACE || byte === CLOSE_BRACKET) && this.#depth > 0) {
        if (--this.#depth > 0) continue
        texts.push(Buffer.concat([...this.#chunks, chunk.subarray(start, index + 1)]).toString())
        this.#chunks = []
        this.#bytes = 0
      } else if (this.#depth === 0 && byte > 0x20)
        throw new RpcError('PROTOCOL', 'the peer sent something that is no JSON object')
    }
    if (this.#depth > 0) {
      this.#chunks.push(chunk.subarray(start))
      this.#bytes += chunk.length - start
      if (this.#bytes > this.#maximum)
        throw new RpcError('PROTOCOL', `the peer sent a message of over ${this.#maximum} bytes`)
    }
    return texts
  }
}
