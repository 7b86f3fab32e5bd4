const STATUS_LINE = Buffer.from('HTTP/')

/** True when the first bytes of a server are those of an HTTP/1 response, as far as they go. */
export function beginsResponse(chunk: Buffer): boolean {
  const length = Math.min(chunk.length, STATUS_LINE.length)
  return chunk.compare(STATUS_LINE, 0, length, 0, length) === 0
}
