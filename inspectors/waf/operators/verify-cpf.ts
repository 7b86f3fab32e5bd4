import { isRepeated, verifiedNumber } from './verified-number.ts'

/**
 * `@verifyCPF`: true when a match of the pattern is a Brazilian taxpayer's number: eleven digits, the last
 * two being check digits. TX.0 is the match.
 *
 * @see ModSecurity Reference Manual v2, Operators, verifyCPF
 */
export const verifyCPF = verifiedNumber(
  'verifyCPF',
  (digits) =>
    digits.length === 11 &&
    !isRepeated(digits) &&
    digits.join('') !== '01234567890' &&
    checkDigit(digits, 9) === digits[9] &&
    checkDigit(digits, 10) === digits[10],
)

/** Digit that must follow the first `count`. */
function checkDigit(digits: readonly number[], count: number): number {
  let sum = 0
  for (let index = 0; index < count; index += 1) sum += digits[index] * (count + 1 - index)
  const rest = sum % 11
  return rest < 2 ? 0 : 11 - rest
}
