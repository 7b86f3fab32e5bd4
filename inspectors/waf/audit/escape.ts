/**
 * All but printable ASCII as `\xHH`, backslashes doubled: traffic can neither end a line or a part of the
 * log nor give orders to a terminal. What it was can be told back.
 */
export function escapeBytes(latin1: string): string {
  return latin1.replaceAll(/[^\x20-\x5b\x5d-\x7e]/g, (byte) =>
    byte === '\\' ? '\\\\' : `\\x${byte.charCodeAt(0).toString(16).padStart(2, '0')}`,
  )
}

/** The same for text in double quotes. */
export function escapeQuoted(latin1: string): string {
  return escapeBytes(latin1).replaceAll('"', String.raw`\"`)
}
