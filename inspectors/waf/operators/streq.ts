import { textOperator } from './text-operator.ts'

/**
 * `@streq`: true when value and argument are the same bytes. Macros are expanded.
 *
 * @see ModSecurity Reference Manual v2, Operators, streq
 */
export const streq = textOperator('streq', (value, text) => value === text, 'text-alone')
