import { integerOperator } from './integer.ts'

/**
 * `@lt`: true when the value's number is less than the argument's. Macros are expanded.
 *
 * @see ModSecurity Reference Manual v2, Operators, lt
 */
export const lt = integerOperator('lt', (value, argument) => value < argument)
