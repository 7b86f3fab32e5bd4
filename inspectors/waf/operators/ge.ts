import { integerOperator } from './integer.ts'

/**
 * `@ge`: true when the value's number is greater than or equal to the argument's. Macros are expanded.
 *
 * @see ModSecurity Reference Manual v2, Operators, ge
 */
export const ge = integerOperator('ge', (value, argument) => value >= argument)
