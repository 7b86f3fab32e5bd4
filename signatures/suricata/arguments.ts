/** Small grammars that the arguments of many keywords share. All throw RuleFault `bad-argument`. */
import type { Operand } from './buffer-match.ts'
import { RuleFault } from './problem.ts'

const VARIABLE = /^[A-Za-z_][A-Za-z0-9_.-]{0,63}$/
const INTEGER = /^[+-]?(?:0[xX][0-9a-fA-F]{1,8}|\d{1,10})$/

/** `12`, `-3`, `0x1f`. */
export function integer(text: string, min: number, max: number): number {
  const trimmed = text.trim()
  if (!INTEGER.test(trimmed)) throw new RuleFault('bad-argument', `"${trimmed}" is not a number`)
  const value = trimmed.startsWith('-') ? -Number(trimmed.slice(1)) : Number(trimmed)
  if (value < min || value > max)
    throw new RuleFault('bad-argument', `${trimmed} is not between ${min} and ${max}`)
  return value
}

/** A number, or the name of a variable set by an earlier `byte_extract` or `byte_math`. */
export function operand(text: string, min: number, max: number): Operand {
  const trimmed = text.trim()
  return VARIABLE.test(trimmed) ? trimmed : integer(trimmed, min, max)
}

export function variable(text: string): string {
  const trimmed = text.trim()
  if (!VARIABLE.test(trimmed))
    throw new RuleFault('bad-argument', `"${trimmed}" is not a name for a variable`)
  return trimmed
}

/** Comma-separated items, trimmed; an empty item is an error. */
export function commaList(text: string): string[] {
  const items = text.split(',').map((item) => item.trim())
  if (items.includes('')) throw new RuleFault('bad-argument', `"${text}" has an empty item`)
  return items
}

/** `key value` pairs separated by commas, keys in lower case; a repeated key is an error. */
export function keyedList(text: string): Map<string, string> {
  const found = new Map<string, string>()
  for (const item of commaList(text)) {
    const space = item.search(/\s/)
    const key = (space < 0 ? item : item.slice(0, space)).toLowerCase()
    if (found.has(key)) throw new RuleFault('bad-argument', `"${key}" is given twice`)
    found.set(key, space < 0 ? '' : item.slice(space).trim())
  }
  return found
}
