/**
 * Names of alert spool segments: workers write them, the agent's shipper reads them.
 *
 * A spool folder is flat. Each worker process writes segments of its own, one after the other:
 *
 *     <segment>.open.ndjson    being written: tail it, take complete lines (`\n`) only
 *     <segment>.ndjson         finished: nothing is appended any more; may be deleted once shipped
 *
 * with `<segment>` = `<epoch milliseconds, 13 digits>-<pid>-<sequence, 6 digits>`, so that names sort
 * by age. Finishing is a rename: the segment's name without suffix is the same before and after, and
 * so are all offsets in it. A file that was open under its first name stays readable by descriptor.
 * One line is one AlertRecord as JSON. A last line without `\n` in a finished segment was cut off by a
 * crash and is no record; a line that is not JSON is one that a full disk cut off: skip and count it.
 * The worker that finds the folder over its bound deletes the oldest finished segments, shipped or not.
 */
export const SPOOL_OPEN_SUFFIX = '.open.ndjson'
export const SPOOL_FINISHED_SUFFIX = '.ndjson'

export interface SpoolSegment {
  /** Name without suffix. */
  readonly segment: string
  readonly fileName: string
  readonly finished: boolean
  readonly createdAt: number
  readonly pid: number
  readonly sequence: number
}

const SEGMENT = /^(\d{13})-(\d{1,10})-(\d{6})(\.open)?\.ndjson$/

/** Null for files that are no segments. */
export function parseSpoolFileName(fileName: string): SpoolSegment | null {
  const match = SEGMENT.exec(fileName)
  if (match === null) return null
  return {
    segment: `${match[1]}-${match[2]}-${match[3]}`,
    fileName,
    finished: match[4] === undefined,
    createdAt: Number(match[1]),
    pid: Number(match[2]),
    sequence: Number(match[3]),
  }
}

export function spoolSegmentName(createdAt: number, pid: number, sequence: number): string {
  return `${String(createdAt).padStart(13, '0')}-${pid}-${String(sequence).padStart(6, '0')}`
}

/** Segments of a folder's listing, oldest first. */
export function sortSpoolSegments(fileNames: readonly string[]): SpoolSegment[] {
  return fileNames
    .map(parseSpoolFileName)
    .filter((segment) => segment !== null)
    .sort((a, b) => (a.segment < b.segment ? -1 : Number(a.segment > b.segment)))
}
