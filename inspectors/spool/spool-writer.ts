import {
  closeSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import {
  SPOOL_FINISHED_SUFFIX,
  SPOOL_OPEN_SUFFIX,
  sortSpoolSegments,
  spoolSegmentName,
} from '#chain/model/spool.ts'
import { LineBuffer } from './line-buffer.ts'

/** A segment is finished at this size, or at this age if it holds anything. */
export const SEGMENT_BYTES = 1_048_576
export const SEGMENT_AGE_MS = 60_000
/** All segments of a spool folder together. */
export const SPOOL_BYTES = 67_108_864

export interface SpoolLoss {
  readonly records: number
  readonly bytes: number
}

export interface SpoolOptions {
  readonly folder: string
  readonly pid: number
  /** Milliseconds since the epoch. */
  readonly now: () => number
  /** Called when the oldest segments had to go; may append. */
  readonly onDropped: (loss: SpoolLoss) => void
  readonly segmentBytes?: number
  readonly segmentAgeMs?: number
  readonly spoolBytes?: number
}

/**
 * Writes alert records into the segments of one worker (names and life: `chain/model/spool.ts`).
 *
 * `append` gathers, `flush` hands everything to the kernel in one write: after it the records survive
 * the death of this process, not that of the machine. The folder is kept within its bound by deleting
 * the oldest finished segments, whoever wrote them. A disk that is full or gone costs records, which
 * are counted, and never the traffic.
 */
export class SpoolWriter {
  readonly #options: Required<SpoolOptions>
  readonly #pending = new LineBuffer()
  #descriptor: number | null = null
  #segment = ''
  #segmentBytes = 0
  #segmentOpenedAt = 0
  #sequence = 0
  /** The last write stopped in the middle of a line. */
  #isTorn = false
  #droppedRecords = 0
  #failedRecords = 0

  constructor(options: SpoolOptions) {
    this.#options = {
      segmentBytes: SEGMENT_BYTES,
      segmentAgeMs: SEGMENT_AGE_MS,
      spoolBytes: SPOOL_BYTES,
      ...options,
    }
    mkdirSync(options.folder, { recursive: true, mode: 0o700 })
  }

  /** Records that were deleted unshipped to stay within the bound. */
  get droppedRecords(): number {
    return this.#droppedRecords
  }

  /** Records that could not be written. */
  get failedRecords(): number {
    return this.#failedRecords
  }

  /** @param line JSON without line end, as text or UTF-8 */
  append(line: string | Uint8Array): void {
    this.#pending.append(line)
  }

  flush(): void {
    if (this.#pending.lines === 0) return
    try {
      this.#rotateIfDue()
      // What is told of records that had to go is written with the others.
      this.#descriptor ??= this.#openSegment()
      this.#write(this.#descriptor)
    } catch {
      this.#failedRecords += this.#pending.lines
    }
    this.#pending.clear()
  }

  #write(descriptor: number): void {
    const { bytes } = this.#pending
    if (this.#isTorn) this.#segmentBytes += writeSync(descriptor, '\n')
    let written = 0
    while (written < bytes.length) {
      this.#isTorn = true
      written += writeSync(descriptor, bytes, written)
    }
    this.#isTorn = false
    this.#segmentBytes += bytes.length
  }

  /** Finishes a segment that is old enough; called now and then. */
  tick(): void {
    try {
      this.#rotateIfDue()
    } catch {
      // The next write meets the same error and counts it.
    }
  }

  close(): void {
    this.flush()
    try {
      this.#finishSegment()
    } catch {
      // The supervisor finishes what a worker leaves open.
    }
  }

  #rotateIfDue(): void {
    if (this.#descriptor === null) return
    const isFull = this.#segmentBytes >= this.#options.segmentBytes
    const isOld = this.#options.now() - this.#segmentOpenedAt >= this.#options.segmentAgeMs
    if (isFull || isOld) this.#finishSegment()
  }

  #openSegment(): number {
    this.#enforceBound()
    const { folder, pid, now } = this.#options
    this.#segmentOpenedAt = now()
    this.#segment = spoolSegmentName(Math.floor(this.#segmentOpenedAt), pid, this.#sequence++)
    this.#segmentBytes = 0
    return openSync(join(folder, this.#segment + SPOOL_OPEN_SUFFIX), 'ax', 0o640)
  }

  #finishSegment(): void {
    if (this.#descriptor === null) return
    const descriptor = this.#descriptor
    this.#descriptor = null
    this.#isTorn = false
    closeSync(descriptor)
    finishSegment(this.#options.folder, this.#segment)
  }

  #enforceBound(): void {
    const { folder, spoolBytes, segmentBytes, onDropped } = this.#options
    const segments = sortSpoolSegments(readdirSync(folder)).map((segment) => ({
      ...segment,
      bytes: statSync(join(folder, segment.fileName), { throwIfNoEntry: false })?.size ?? 0,
    }))
    let total = segments.reduce((sum, segment) => sum + segment.bytes, 0) + segmentBytes
    const loss = { records: 0, bytes: 0 }
    for (const { fileName, finished, bytes } of segments) {
      if (total <= spoolBytes) break
      if (!finished) continue
      const path = join(folder, fileName)
      try {
        loss.records += countLines(readFileSync(path))
        rmSync(path)
        loss.bytes += bytes
      } catch {
        // Shipped and deleted meanwhile.
      }
      total -= bytes
    }
    if (loss.records === 0) return
    this.#droppedRecords += loss.records
    onDropped(loss)
  }
}

function finishSegment(folder: string, segment: string): void {
  renameSync(
    join(folder, segment + SPOOL_OPEN_SUFFIX),
    join(folder, segment + SPOOL_FINISHED_SUFFIX),
  )
}

/**
 * Finishes the segments that a worker left open when it died; all open ones where no pid is given.
 * Errors are left to the reader of the folder: an open segment is read as well.
 */
export function finishSegmentsOf(folder: string, pid?: number): void {
  let fileNames: string[]
  try {
    fileNames = readdirSync(folder)
  } catch {
    return
  }
  for (const segment of sortSpoolSegments(fileNames)) {
    if (segment.finished || (pid !== undefined && segment.pid !== pid)) continue
    try {
      finishSegment(folder, segment.segment)
    } catch {
      // Gone, or not ours.
    }
  }
}

function countLines(bytes: Buffer): number {
  let lines = 0
  for (let at = bytes.indexOf(10); at !== -1; at = bytes.indexOf(10, at + 1)) lines++
  return lines
}
