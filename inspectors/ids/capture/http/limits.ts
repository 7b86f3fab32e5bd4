/** Bounds of the permissive parser; a direction that goes beyond one is no longer read. */

export const MAX_HEAD_BYTES = 131_072
export const MAX_HEADERS = 1024
/** Bytes in which a chunk's size must be told; a longer line is no chunk size. */
export const MAX_SIZE_LINE_BYTES = 1024
/** Requests of one connection whose responses have not come. */
export const MAX_AWAITED_RESPONSES = 512
/** Bytes that may be looked at to tell whether a blank line ends the head. */
export const MAX_LOOKAHEAD_BYTES = 256
