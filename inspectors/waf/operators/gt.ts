import { integerOperator } from './integer.ts'

/**
 * `@gt`: true when the value's number is greater than the argument's. Macros are expanded.
 *
 * @see ModSecurity Reference Manual v2, Operators, gt
 */
export const gt = integerOperator('gt', (value, argument) => value > argument)
