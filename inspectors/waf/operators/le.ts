import { integerOperator } from './integer.ts'

/**
 * `@le`: true when the value's number is less than or equal to the argument's. Macros are expanded.
 *
 * @see ModSecurity Reference Manual v2, Operators, le
 */
export const le = integerOperator('le', (value, argument) => value <= argument)
