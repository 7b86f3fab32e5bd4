import { addRange, complement, emptySet, hasByte } from '#signatures/pcre/byte-set.ts'
import type { ByteSet } from '#signatures/pcre/gate.ts'
import { integerOf } from './integer.ts'
import {
  type Captures,
  compiled,
  type DynamicOperator,
  type OperatorDefinition,
  type OperatorResult,
  refused,
} from './operator.ts'

/**
 * `@validateByteRange`: true when the value has a byte that is *not* in the list (`10,13,32-126`). As in
 * ModSecurity what is no number counts as 0.
 *
 * @see ModSecurity Reference Manual v2, Operators, validateByteRange
 */
export const validateByteRange: OperatorDefinition = {
  name: 'validateByteRange',
  compile: (argument): OperatorResult => {
    const allowed = parseRanges(argument)
    if (!allowed.ok) return refused('OPERATOR_ARGUMENT', allowed.offset, allowed.message)
    const { set } = allowed
    return compiled({
      match: (value, captures) => findOther(value, set, captures),
      gate: { requirement: null, byteMasks: [complement(set)], minLength: 1 },
      isDigitBlind: DIGITS.every((digit) => hasByte(set, digit) === hasByte(set, DIGITS[0])),
    })
  },
  compileDynamic: (): DynamicOperator => ({
    match: (value, argument, captures) => {
      const allowed = parseRanges(argument)
      return allowed.ok && findOther(value, allowed.set, captures)
    },
  }),
}

const DIGITS = [...Buffer.from('0123456789')]

type Ranges =
  | { readonly ok: true; readonly set: ByteSet }
  | { readonly ok: false; readonly offset: number; readonly message: string }

function parseRanges(argument: string): Ranges {
  const set = emptySet()
  if (argument === '') return { ok: true, set }
  let offset = 0
  for (const part of argument.split(',')) {
    const hyphen = part.indexOf('-')
    const from = integerOf(part)
    const to = hyphen < 0 ? from : integerOf(part.slice(hyphen + 1))
    if (from < 0 || to > 255 || from > to) {
      return { ok: false, offset, message: `"${part}" is no range of bytes between 0 and 255` }
    }
    addRange(set, from, to)
    offset += part.length + 1
  }
  return { ok: true, set }
}

function findOther(value: string, allowed: ByteSet, captures: Captures | null): boolean {
  for (let index = 0; index < value.length; index += 1) {
    if (hasByte(allowed, value.charCodeAt(index))) continue
    if (captures !== null) {
      captures.count = 0
      captures.offset = index
    }
    return true
  }
  return false
}
