/**
 * Bytes of a `content` value.
 *
 *   value   := ['!'] '"' piece* '"'
 *   piece   := byte | '\' ( '"' | ';' | ':' | '\' ) | '|' hex* '|'
 *   hex     := 2 hex digits, blanks between
 */
import { RuleFault } from './problem.ts'
import { ownText } from './rule-pool.ts'

/** Longest pattern, as in Suricata. */
export const MAX_CONTENT_BYTES = 255 * 64

const HEX_RUN = /^(?:[0-9a-fA-F]{2}\s*)*$/

export interface QuotedValue {
  readonly negated: boolean
  readonly inner: string
  /** Offset of `inner` in the option's value. */
  readonly at: number
}

/** `!"…"` or `"…"`; blanks around are left out. @throws RuleFault */
export function quotedValue(value: string): QuotedValue {
  let at = 0
  while (value[at] === ' ') at += 1
  const negated = value[at] === '!'
  if (negated) at += 1
  while (value[at] === ' ') at += 1
  const end = value.trimEnd().length
  if (value[at] !== '"' || end <= at + 1 || value[end - 1] !== '"')
    throw new RuleFault('bad-content', 'the value must stand in double quotes')
  return { negated, inner: value.slice(at + 1, end - 1), at: at + 1 }
}

/**
 * @param inner text between the quotes (latin1)
 * @returns the bytes, latin1; one at least
 * @throws RuleFault `bad-content`
 */
export function contentBytes(inner: string): string {
  if (inner === '') throw new RuleFault('bad-content', 'the content is empty')
  if (!inner.includes('|') && !inner.includes('\\')) return plain(inner)
  let bytes = ''
  let at = 0
  while (at < inner.length) {
    const character = inner[at]
    if (character === '|') {
      const end = inner.indexOf('|', at + 1)
      if (end < 0) throw new RuleFault('bad-content', 'a hex run has no closing |')
      const run = inner.slice(at + 1, end).trim()
      if (!HEX_RUN.test(run))
        throw new RuleFault('bad-content', `"|${run}|" is not pairs of hex digits`)
      bytes += Buffer.from(run.replaceAll(/\s+/g, ''), 'hex').toString('latin1')
      at = end + 1
    } else if (character === '\\') {
      const next = inner[at + 1]
      if (next === undefined || !'";:\\'.includes(next))
        throw new RuleFault('bad-content', 'a backslash may only escape " ; : and itself', {
          suggestion: 'write the byte in hex: |5c|',
        })
      bytes += next
      at += 2
    } else {
      if (character === '"')
        throw new RuleFault('bad-content', 'a double quote inside must be escaped', {
          suggestion: 'write |22| or \\"',
        })
      bytes += character
      at += 1
    }
  }
  if (bytes === '') throw new RuleFault('bad-content', 'the content is empty')
  if (bytes.length > MAX_CONTENT_BYTES)
    throw new RuleFault('limit', `the content is longer than ${MAX_CONTENT_BYTES} bytes`)
  return ownText(bytes)
}

function plain(inner: string): string {
  if (inner.includes('"'))
    throw new RuleFault('bad-content', 'a double quote inside must be escaped', {
      suggestion: 'write |22| or \\"',
    })
  if (inner.length > MAX_CONTENT_BYTES)
    throw new RuleFault('limit', `the content is longer than ${MAX_CONTENT_BYTES} bytes`)
  return ownText(inner)
}
