import { createHash } from 'node:crypto'

/** JSON with the keys of every object in order, so that equal content has equal text. */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_key, part: unknown) => {
    if (part === null || typeof part !== 'object' || Array.isArray(part)) return part
    const entries = Object.entries(part).toSorted(([a], [b]) => (a < b ? -1 : 1))
    return Object.fromEntries(entries)
  })
}

/** SHA-256 of a text, 64 hex digits. */
export const sha256Hex = (text: string): string => createHash('sha256').update(text).digest('hex')
