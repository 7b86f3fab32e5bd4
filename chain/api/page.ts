import { ApiError } from '#chain/errors.ts'

export const DEFAULT_PAGE = 100
export const MAX_PAGE = 500

/** @param limit digits, as the query schema has checked; absent: DEFAULT_PAGE */
export function pageSize(limit: string | undefined): number {
  const size = limit === undefined ? DEFAULT_PAGE : Number(limit)
  if (size >= 1 && size <= MAX_PAGE) return size
  throw new ApiError('malformed', `limit must be 1 to ${MAX_PAGE}`, {
    errors: [{ pointer: '/limit', detail: `must be 1 to ${MAX_PAGE}` }],
  })
}

/** Opaque text for a position; who changes it gets an error, not other people's data. */
export const encodeCursor = (position: string): string =>
  Buffer.from(position, 'utf8').toString('base64url')

export function decodeCursor(cursor: string): string {
  const position = Buffer.from(cursor, 'base64url').toString('utf8')
  if (encodeCursor(position) === cursor && position !== '') return position
  throw new ApiError('malformed', 'cursor is not one of ours', {
    errors: [{ pointer: '/cursor', detail: 'take it from next_cursor of the page before' }],
  })
}

/**
 * One page of sorted entries: those after the cursor's key.
 *
 * @returns the entries, and the cursor of the next page or null
 */
export function page<T>(
  entries: readonly (readonly [key: string, value: T])[],
  cursor: string | undefined,
  size: number,
): { items: T[]; nextCursor: string | null } {
  const after = cursor === undefined ? null : decodeCursor(cursor)
  const sorted = entries
    .filter(([key]) => after === null || key > after)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
  const items = sorted.slice(0, size)
  const last = items.at(-1)
  const nextCursor = sorted.length > size && last !== undefined ? encodeCursor(last[0]) : null
  return { items: items.map(([, value]) => value), nextCursor }
}
