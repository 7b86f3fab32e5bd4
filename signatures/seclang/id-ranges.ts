import type { IdRange } from './model.ts'

/** `942100`, `942100-942199`, several separated by blanks or commas; null when it is none. */
export function parseIdRanges(text: string): IdRange[] | null {
  const ranges: IdRange[] = []
  for (const piece of text.split(/[\s,]+/)) {
    if (piece === '') continue
    const match = /^(\d{1,10})(?:-(\d{1,10}))?$/.exec(piece)
    if (match === null) return null
    const from = Number(match[1])
    const to = match[2] === undefined ? from : Number(match[2])
    if (to < from) return null
    ranges.push({ from, to })
  }
  return ranges.length === 0 ? null : ranges
}

/** True when one of the ranges holds the id. */
export function inRanges(ranges: readonly IdRange[], id: number): boolean {
  return ranges.some((range) => id >= range.from && id <= range.to)
}
