/**
 *   range  := N | '=' N | '<' N | '<=' N | '>' N | '>=' N | ['!'] N ('<>' | '-') N | ('!' | '!=') N | mask
 *   mask   := '&' N ('=' | '!=') N
 *   N      := digits | '0x' hex digits, with a unit or not: kb kib mb mib gb gib
 *
 * `A<>B` and `A-B` leave both ends out.
 *
 * @see Suricata User Guide, Rules, Integer Keywords
 */
import { RuleFault } from './problem.ts'
import type { NumberRange } from './buffer-match.ts'

const NUMBER = /^(0[xX][0-9a-fA-F]{1,13}|\d{1,15})([kmg]i?b)?$/i

const UNITS: ReadonlyMap<string, number> = new Map([
  ['k', 1024],
  ['m', 1024 ** 2],
  ['g', 1024 ** 3],
])

/** Whether the number lies where the range wants it. */
export function isWithin(range: NumberRange, value: number): boolean {
  const compared = range.mask === undefined ? value : Number(BigInt(value) & BigInt(range.mask))
  return (compared >= range.min && compared <= range.max) !== range.negated
}

/**
 * @param max largest number that may be written
 * @param names words that stand for numbers, in lower case
 * @throws RuleFault `bad-argument`
 */
export function numberRange(
  text: string,
  max: number,
  names: ReadonlyMap<string, number> | null = null,
): NumberRange {
  const trimmed = text.trim()
  const between = /^(!?)\s*(\w+)\s*(?:<>|-)\s*(\w+)$/.exec(trimmed)
  if (between !== null) {
    const low = number(between[2], max, null)
    const high = number(between[3], max, null)
    if (low + 1 >= high)
      throw new RuleFault('bad-argument', `no number lies between ${low} and ${high}`)
    return { min: low + 1, max: high - 1, negated: between[1] === '!' }
  }
  const bits = /^&\s*(\w+)\s*(!?)=\s*(\w+)$/.exec(trimmed)
  if (bits !== null) return masked(number(bits[1], max, null), number(bits[3], max, null), bits[2])
  const single = /^(<=|>=|<|>|!=|!|=)?\s*([\w.-]+)$/.exec(trimmed)
  if (single === null) throw new RuleFault('bad-argument', `"${trimmed}" is not a number or range`)
  const value = number(single[2], max, names)
  switch (single[1]) {
    case '<':
      if (value === 0) throw new RuleFault('bad-argument', 'nothing is less than 0')
      return { min: 0, max: value - 1, negated: false }
    case '<=':
      return { min: 0, max: value, negated: false }
    case '>':
      return { min: value + 1, max: Infinity, negated: false }
    case '>=':
      return { min: value, max: Infinity, negated: false }
    case '!':
    case '!=':
      return { min: value, max: value, negated: true }
    default:
      return { min: value, max: value, negated: false }
  }
}

function masked(mask: number, value: number, negation: string): NumberRange {
  if ((BigInt(mask) & BigInt(value)) !== BigInt(value))
    throw new RuleFault('bad-argument', `${value} has bits that the mask ${mask} leaves out`)
  return { min: value, max: value, negated: negation === '!', mask }
}

function number(text: string, max: number, names: ReadonlyMap<string, number> | null): number {
  const named = names?.get(text.toLowerCase())
  if (named !== undefined) return named
  const form = NUMBER.exec(text)
  if (form === null) throw new RuleFault('bad-argument', `"${text}" is not a number`)
  const unit = form[2] === undefined ? 1 : (UNITS.get(form[2][0].toLowerCase()) ?? 1)
  const value = Number(form[1]) * unit
  if (value > max) throw new RuleFault('bad-argument', `${text} is not between 0 and ${max}`)
  return value
}
