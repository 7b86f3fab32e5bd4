/**
 * Where transformations build their result: one buffer for the thread that grows to the largest value
 * seen, so that a decoded value costs one string and nothing else. `take` ends a use; none is open at
 * the same time as another.
 */

/** A buffer grown beyond this is dropped after its use. */
const MAX_KEPT_BYTES = 1_048_576

let buffer: Buffer = Buffer.allocUnsafeSlow(4096)

/** @returns a buffer with room for so many bytes, contents undefined */
export function reserve(bytes: number): Buffer {
  if (buffer.length < bytes) buffer = Buffer.allocUnsafeSlow(Math.max(bytes, buffer.length * 2))
  return buffer
}

/** The first `bytes` of the buffer as a latin1 string. */
export function take(bytes: number): string {
  const text = buffer.toString('latin1', 0, bytes)
  if (buffer.length > MAX_KEPT_BYTES) buffer = Buffer.allocUnsafeSlow(4096)
  return text
}

/** As `take`, but `value` itself where the bytes are the same. */
export function takeUnlessSame(bytes: number, value: string): string {
  const text = take(bytes)
  return text === value ? value : text
}
