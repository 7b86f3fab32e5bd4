import { isRepeated, verifiedNumber } from './verified-number.ts'

/**
 * `@verifySSN`: true when a match of the pattern is a US social security number: nine digits, area under
 * 740 and not 666, no part all zeros, digits neither equal nor counting up. TX.0 is the match.
 *
 * @see ModSecurity Reference Manual v2, Operators, verifySSN
 */
export const verifySSN = verifiedNumber('verifySSN', (digits) => {
  if (digits.length !== 9 || isRepeated(digits) || isCountingUp(digits)) return false
  const area = digits[0] * 100 + digits[1] * 10 + digits[2]
  const group = digits[3] * 10 + digits[4]
  const serial = digits[5] * 1000 + digits[6] * 100 + digits[7] * 10 + digits[8]
  return area > 0 && area < 740 && area !== 666 && group > 0 && serial > 0
})

function isCountingUp(digits: readonly number[]): boolean {
  return digits.every((digit, index) => index === 0 || digit === digits[index - 1] + 1)
}
