import { isRepeated, verifiedNumber } from './verified-number.ts'

/** Weights of the ten digits; the fourth is the check digit. */
const WEIGHTS = [3, 7, 9, 0, 5, 8, 4, 2, 1, 6]

const COUNTING_UP: ReadonlySet<string> = new Set(['0123456789', '1234567890'])

/**
 * `@verifySVNR`: true when a match of the pattern is an Austrian social insurance number: ten digits, the
 * fourth being a check digit. TX.0 is the match.
 *
 * @see ModSecurity Reference Manual v3, Operators, verifySVNR
 */
export const verifySVNR = verifiedNumber('verifySVNR', (digits) => {
  if (digits.length !== 10 || isRepeated(digits) || COUNTING_UP.has(digits.join(''))) return false
  const sum = digits.reduce((total, digit, index) => total + digit * WEIGHTS[index], 0)
  const rest = sum % 11
  return (rest === 10 ? 0 : rest) === digits[3]
})
