import { integerOperator } from './integer.ts'

/**
 * `@eq`: true when the value's number is equal to the argument's. Macros are expanded.
 *
 * @see ModSecurity Reference Manual v2, Operators, eq
 */
export const eq = integerOperator('eq', (value, argument) => value === argument)
