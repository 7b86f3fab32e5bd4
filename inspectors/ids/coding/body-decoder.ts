import { constants, brotliDecompressSync } from 'node:zlib'
import { MAX_CODING_LAYERS } from '../limits.ts'
import { Inflater } from './inflate.ts'

/** Attempts to decode a growing brotli body chunk by chunk; then only at each half as much again. */
export const MAX_BROTLI_ATTEMPTS = 256

/** Bytes that one attempt at a brotli body may yield; a bomb beyond it is not looked into. */
export const MAX_BROTLI_OUTPUT = 67_108_864

const NO_BYTES = Buffer.alloc(0)

/** One coding: takes encoded bytes in pieces, gives decoded ones. */
interface Coding {
  push(chunk: Buffer, isLast: boolean): Buffer
}

/**
 * Removes the content codings of a body, chunk by chunk (gzip, deflate with and without zlib header,
 * brotli; several layers). The output is bounded.
 *
 * A body that is not what its header says is given as it is: a server or browser that does without the
 * header would see it so, and a rule should too.
 */
export class BodyDecoder {
  readonly #codings: readonly Coding[]

  /**
   * @param contentEncoding field value as sent; null: none
   * @param bound bytes of decoded output that are wanted
   */
  constructor(contentEncoding: string | null, bound: number) {
    if (contentEncoding === null) {
      this.#codings = NO_CODINGS
      return
    }
    const only = codingOf(contentEncoding, bound)
    if (only !== null) {
      this.#codings = [only]
      return
    }
    const names = contentEncoding
      .toLowerCase()
      .split(/[,;\s]+/)
      .filter((name) => name !== '' && name !== 'identity')
    // Applied in the order listed, so removed from the end.
    this.#codings = names
      .reverse()
      .slice(0, MAX_CODING_LAYERS)
      .map((name) => codingOf(name, bound))
      .filter((coding) => coding !== null)
  }

  /** @returns decoded bytes; may be a view that is valid until the next call */
  push(chunk: Buffer, isLast: boolean): Buffer {
    let bytes = chunk
    for (const coding of this.#codings) bytes = coding.push(bytes, isLast)
    return bytes
  }
}

function codingOf(name: string, bound: number): Coding | null {
  switch (name) {
    case 'gzip':
    case 'x-gzip':
      return new InflateCoding('gzip', bound)
    case 'deflate':
    case 'x-deflate':
      return new InflateCoding('deflate', bound)
    case 'br':
      return new BrotliCoding(bound)
    default:
      return null
  }
}

const NO_CODINGS: readonly Coding[] = []

/** Falls back to the bytes as sent when they turn out not to be compressed. */
class InflateCoding implements Coding {
  readonly #inflater: Inflater
  /** Input until the first output, to be given as it is if there is none. */
  #held: Buffer[] = []
  #heldBytes = 0
  readonly #bound: number
  #plain = false

  constructor(format: 'gzip' | 'deflate', bound: number) {
    this.#inflater = new Inflater(format, bound)
    this.#bound = bound
  }

  push(chunk: Buffer, isLast: boolean): Buffer {
    if (this.#plain) return chunk
    const output = this.#inflater.push(chunk)
    if (this.#inflater.outputBytes > 0) {
      this.#held = []
      return output
    }
    if (this.#heldBytes < this.#bound) {
      this.#held.push(Buffer.from(chunk))
      this.#heldBytes += chunk.length
    }
    if (!this.#inflater.failed && !isLast) return NO_BYTES
    if (!this.#inflater.failed && this.#inflater.done) return NO_BYTES
    this.#plain = true
    return Buffer.concat(this.#held)
  }
}

/**
 * Brotli by Node's synchronous decoder over what has come so far: it cannot go on from where it was, so
 * the input is kept and decoded again. Attempts and input are bounded.
 */
class BrotliCoding implements Coding {
  readonly #bound: number
  #input = NO_BYTES
  #attempts = 0
  #triedAt = 0
  #given = 0
  #plain = false

  constructor(bound: number) {
    this.#bound = bound
  }

  push(chunk: Buffer, isLast: boolean): Buffer {
    if (this.#plain) return chunk
    if (this.#given >= this.#bound || this.#input.length >= this.#bound) return NO_BYTES
    this.#input = Buffer.concat([this.#input, chunk])
    const due = this.#attempts < MAX_BROTLI_ATTEMPTS || this.#input.length >= this.#triedAt * 1.5
    if (!isLast && !due) return NO_BYTES
    this.#attempts += 1
    this.#triedAt = this.#input.length
    const decoded = decodePrefix(this.#input, this.#bound)
    if (decoded === null) {
      if (this.#given > 0) return NO_BYTES
      this.#plain = true
      return this.#input
    }
    const fresh = decoded.subarray(this.#given)
    this.#given = Math.max(this.#given, decoded.length)
    return fresh
  }
}

/**
 * Decodes as much as there is; of an input that yields too much, the half, the quarter, … and if they
 * yield nothing, all of it with the larger bound.
 *
 * @returns null when the input is not brotli
 */
function decodePrefix(input: Buffer, bound: number): Buffer | null {
  for (let length = input.length; length > 0; length >>= 1) {
    const decoded = decodeBrotli(input.subarray(0, length), bound * 4)
    if (decoded === 'too-much') continue
    if (decoded === null || decoded.length > 0) return decoded
    break
  }
  const whole = decodeBrotli(input, MAX_BROTLI_OUTPUT)
  return whole === 'too-much' ? NO_BYTES : whole
}

function decodeBrotli(input: Buffer, maxOutputLength: number): Buffer | 'too-much' | null {
  try {
    const finishFlush = constants.BROTLI_OPERATION_FLUSH
    return brotliDecompressSync(input, { finishFlush, maxOutputLength })
  } catch (error) {
    return error instanceof RangeError ? 'too-much' : null
  }
}
