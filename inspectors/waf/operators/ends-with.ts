import { textOperator } from './text-operator.ts'

/**
 * `@endsWith`: true when the value ends with the argument. Macros are expanded.
 *
 * @see ModSecurity Reference Manual v2, Operators, endsWith
 */
export const endsWith = textOperator('endsWith', (value, text) => value.endsWith(text), 'text')
