import type { Socket } from 'node:net'
import { BORROWED_CHUNK_BYTES } from '#inspectors/inspector.ts'

/**
 * What a socket reads lies outside of the heap until the collector finds that nobody has it any more. A body
 * of some size is tens of such chunks: they fill the memory faster than the heap shows, so that the collector
 * runs for them alone, and every chunk is read into memory that no processor cache knows. A chunk of which the
 * kernel has all bytes is therefore given back at once, and the next one is read into the same place.
 */

/**
 * To be called when a chunk was written to its end and is of no use any more: nobody, no inspector either, may
 * hold it longer than it was shown (`inspector.ts`). Where it reached the kernel its bytes are gone afterwards.
 *
 * @param chunk as a socket gave it, or the last part of such a one
 */
export function giveBack(chunk: Buffer, sink: Socket): void {
  const { buffer, byteOffset, length } = chunk
  // Less is cheaper to leave to the collector.
  if (buffer.byteLength < BORROWED_CHUNK_BYTES || sink.writableLength > 0) return
  // Buffers of other origin may share their memory.
  if (byteOffset + length !== buffer.byteLength || !(buffer instanceof ArrayBuffer)) return
  buffer.transfer(0)
}
