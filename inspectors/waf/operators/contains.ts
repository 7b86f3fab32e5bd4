import { textOperator } from './text-operator.ts'

/**
 * `@contains`: true when the argument is found in the value; an empty one always is. Macros are expanded.
 *
 * @see ModSecurity Reference Manual v2, Operators, contains
 */
export const contains = textOperator('contains', (value, text) => value.includes(text), 'text')
