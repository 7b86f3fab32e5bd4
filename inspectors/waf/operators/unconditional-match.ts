import { compiled, type OperatorDefinition } from './operator.ts'

/**
 * `@unconditionalMatch`: true for every value.
 *
 * @see ModSecurity Reference Manual v2, Operators, unconditionalMatch
 */
export const unconditionalMatch: OperatorDefinition = {
  name: 'unconditionalMatch',
  compile: () => compiled({ match: () => true, gate: null }),
  compileDynamic: () => ({ match: () => true }),
}
