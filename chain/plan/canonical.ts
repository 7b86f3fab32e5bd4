import { createHash } from 'node:crypto'

/**
 * Text of objects that were asked for before. Desired state is immutable and its objects are shared by
 * all pictures, so a snapshot of a thousand attachments of which one changed costs one of them.
 */
const texts = new WeakMap<object, string>()

/**
 * JSON with the keys of every object in order, so that equal content has equal text. Objects may not be
 * changed once their text was asked for. `undefined` members are left out, as JSON.stringify does.
 */
export function canonicalJson(value: unknown): string {
  if (value === null || typeof value !== 'object') return JSON.stringify(value) ?? 'null'
  const known = texts.get(value)
  if (known !== undefined) return known
  const text = Array.isArray(value) ? arrayText(value) : objectText(value)
  texts.set(value, text)
  return text
}

const arrayText = (items: readonly unknown[]): string => `[${items.map(canonicalJson).join(',')}]`

function objectText(value: object): string {
  const members: string[] = []
  for (const key of Object.keys(value).toSorted()) {
    const member = (value as Record<string, unknown>)[key]
    if (member !== undefined) members.push(`${JSON.stringify(key)}:${canonicalJson(member)}`)
  }
  return `{${members.join(',')}}`
}

/** SHA-256 of a text, 64 hex digits. */
export const sha256Hex = (text: string): string => createHash('sha256').update(text).digest('hex')
