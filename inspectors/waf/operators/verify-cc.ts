import { verifiedNumber } from './verified-number.ts'

/**
 * `@verifyCC`: true when a match of the pattern is a number that passes Luhn's check, as those of credit
 * cards do. TX.0 is the match.
 *
 * @see ModSecurity Reference Manual v2, Operators, verifyCC
 */
export const verifyCC = verifiedNumber('verifyCC', (digits) => {
  let sum = 0
  for (let index = 0; index < digits.length; index += 1) {
    const digit = digits[digits.length - 1 - index]
    const weighted = index % 2 === 1 ? digit * 2 : digit
    sum += weighted > 9 ? weighted - 9 : weighted
  }
  return digits.length > 0 && sum % 10 === 0
})
