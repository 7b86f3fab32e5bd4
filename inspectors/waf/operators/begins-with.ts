import { textOperator } from './text-operator.ts'

/**
 * `@beginsWith`: true when the value begins with the argument. Macros are expanded.
 *
 * @see ModSecurity Reference Manual v2, Operators, beginsWith
 */
export const beginsWith = textOperator(
  'beginsWith',
  (value, text) => value.startsWith(text),
  'text',
)
