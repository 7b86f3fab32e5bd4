/**
 * A part of a received body. Its text is made when somebody asks: an uploaded file is mostly looked at by no
 * rule, and a string of its size costs the collector more than the whole inspection costs.
 */
export class BodyBytes {
  readonly bytes: Buffer
  #latin1: string | null = null

  /** @param bytes that nobody changes afterwards */
  constructor(bytes: Buffer) {
    this.bytes = bytes
  }

  get length(): number {
    return this.bytes.length
  }

  get latin1(): string {
    return (this.#latin1 ??= this.bytes.toString('latin1'))
  }
}

export const NO_BYTES = new BodyBytes(Buffer.alloc(0))
