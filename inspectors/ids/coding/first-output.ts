/** Room for four times the input, between these bounds, and for the longest match. */
const LEAST_BYTES = 1024
const MOST_BYTES = 8192
const MARGIN = 258

/**
 * What an inflater writes to first: most bodies fit, and memory of the pool costs less than memory of its own.
 *
 * @param inputBytes of the first piece of the body
 */
export function firstOutput(inputBytes: number): Buffer<ArrayBuffer> {
  return Buffer.allocUnsafe(Math.min(MOST_BYTES, Math.max(LEAST_BYTES, inputBytes * 4 + MARGIN)))
}
