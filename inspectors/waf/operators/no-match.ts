import { compiled, type OperatorDefinition } from './operator.ts'

/**
 * `@noMatch`: false for every value.
 *
 * @see ModSecurity Reference Manual v2, Operators, noMatch
 */
export const noMatch: OperatorDefinition = {
  name: 'noMatch',
  compile: () => compiled({ match: () => false, gate: null }),
  compileDynamic: () => ({ match: () => false }),
}
