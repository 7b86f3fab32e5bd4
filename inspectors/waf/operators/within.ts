import { textOperator } from './text-operator.ts'

/**
 * `@within`: true when the value is found in the argument; an empty value always is. Macros are expanded.
 *
 * @see ModSecurity Reference Manual v2, Operators, within
 */
export const within = textOperator('within', (value, text) => text.includes(value), 'nothing')
