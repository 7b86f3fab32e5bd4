import { constants } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import type { AlertRecord } from '#chain/model/eve.ts'
import { MAX_BATCH_RECORDS, MAX_RECORD_BYTES } from '#chain/model/eve-values.ts'

/** Bytes of records in one batch, before the record that goes over. */
export const MAX_BATCH_BYTES = 1_048_576
const READ_BYTES = MAX_BATCH_BYTES + MAX_RECORD_BYTES

export interface SpoolBatch {
  readonly records: readonly AlertRecord[]
  /** Offset behind the last complete line that was read. */
  readonly nextOffset: number
  /** Lines that were no records: cut off by a full disk, or longer than a record may be. */
  readonly unreadable: number
  /** Nothing complete is left behind `nextOffset` at the moment. */
  readonly isAtEnd: boolean
}

/**
 * Opens a segment that an unprivileged process wrote: no link is followed, and what is no regular file
 * with one name is not read. So a worker that was taken over cannot have root read a file for it.
 *
 * @returns null when it is gone or is not such a file
 */
export async function openSegment(path: string): Promise<FileHandle | null> {
  let file: FileHandle
  try {
    const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK
    file = await open(path, flags)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === 'ELOOP') return null
    throw error
  }
  const { nlink } = await file.stat().then((stats) => ({ nlink: stats.isFile() ? stats.nlink : 0 }))
  if (nlink === 1) return file
  await file.close()
  return null
}

/**
 * Reads the records that follow an offset, as many as fit a batch.
 *
 * @param file    open segment
 * @param offset  bytes already taken, at the beginning of a line
 */
export async function readBatch(file: FileHandle, offset: number): Promise<SpoolBatch> {
  const buffer = Buffer.allocUnsafe(READ_BYTES)
  const { bytesRead } = await file.read(buffer, 0, READ_BYTES, offset)
  return cutBatch(buffer.subarray(0, bytesRead), offset, bytesRead < READ_BYTES)
}

/**
 * Cuts complete lines into a batch. Pure.
 *
 * @param bytes   what stands in the segment from `offset` on
 * @param isTail  true when the segment holds nothing more
 */
export function cutBatch(bytes: Buffer, offset: number, isTail: boolean): SpoolBatch {
  const records: AlertRecord[] = []
  let unreadable = 0
  let taken = 0
  while (records.length < MAX_BATCH_RECORDS && taken < MAX_BATCH_BYTES) {
    const end = bytes.indexOf(10, taken)
    if (end === -1) {
      // A line that fills the whole window never ends inside it: skip what was read of it.
      if (!isTail && taken === 0) {
        return { records, nextOffset: offset + bytes.length, unreadable: 1, isAtEnd: false }
      }
      return { records, nextOffset: offset + taken, unreadable, isAtEnd: isTail }
    }
    const record = parseRecord(bytes.subarray(taken, end))
    if (record === null) unreadable++
    else records.push(record)
    taken = end + 1
  }
  return {
    records,
    nextOffset: offset + taken,
    unreadable,
    isAtEnd: isTail && bytes.indexOf(10, taken) === -1,
  }
}

function parseRecord(line: Buffer): AlertRecord | null {
  if (line.length > MAX_RECORD_BYTES) return null
  try {
    const value: unknown = JSON.parse(line.toString('utf8'))
    if (typeof value !== 'object' || value === null) return null
    return 'event_type' in value && value.event_type === 'alert' ? (value as AlertRecord) : null
  } catch {
    return null
  }
}
