import type { Diagnostics, SourcePosition } from './diagnostic.ts'
import type { Word } from './words.ts'

/** Most actions of one rule. */
export const MAX_ACTIONS = 512

/** One action as written. */
export interface ActionUse {
  /** Lower case. */
  readonly name: string
  readonly value: string | null
  readonly position: SourcePosition
}

/**
 * Parses an action list.
 *
 * ```
 * list   = action *( "," action )
 * action = NAME [ ":" value ]
 * value  = "'" *( "\'" / any ) "'" / *( any but "," )
 * ```
 */
export function parseActionList(word: Word, diagnostics: Diagnostics): ActionUse[] {
  const { text } = word
  const uses: ActionUse[] = []
  let index = 0
  while (index < text.length) {
    index = skipBlanks(text, index)
    if (text[index] === ',') {
      index += 1
      continue
    }
    if (index >= text.length) break
    const start = index
    while (index < text.length && text[index] !== ':' && text[index] !== ',') index += 1
    const name = text.slice(start, index).trim().toLowerCase()
    const position = word.positionAt(start)
    let value: string | null = null
    if (text[index] === ':') {
      const end = endOfValue(text, index + 1)
      if (end < 0) {
        diagnostics.error('SECLANG_SYNTAX', word.positionAt(index + 1), `' is never closed`)
        return uses
      }
      value = unquote(text.slice(index + 1, end).trim())
      index = end
    }
    uses.push({ name, value, position })
    index = skipBlanks(text, index)
    if (index < text.length && text[index] !== ',') {
      diagnostics.error('SECLANG_SYNTAX', word.positionAt(index), 'a comma is expected here')
      return uses
    }
  }
  if (uses.length > MAX_ACTIONS) {
    diagnostics.error('SECLANG_LIMIT', word.position, `more than ${MAX_ACTIONS} actions`)
  }
  return uses
}

function endOfValue(text: string, from: number): number {
  let index = skipBlanks(text, from)
  if (text[index] !== "'") {
    while (index < text.length && text[index] !== ',') index += 1
    return index
  }
  for (index += 1; index < text.length; index += 1) {
    if (text[index] === '\\') index += 1
    else if (text[index] === "'") return index + 1
  }
  return -1
}

function unquote(value: string): string {
  if (!value.startsWith("'")) return value
  return value.slice(1, -1).replaceAll(/\\(['\\])/g, '$1')
}

function skipBlanks(text: string, from: number): number {
  let index = from
  while (text[index] === ' ' || text[index] === '\t') index += 1
  return index
}
