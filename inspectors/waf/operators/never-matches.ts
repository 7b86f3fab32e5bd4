import { compiled, type OperatorDefinition } from './operator.ts'

/**
 * Definition of an operator whose data this program does not have: the rule loads, with a warning, and
 * does not match. For operators that rule sets carry along for those who configure them.
 */
export function neverMatches(name: string, reason: string): OperatorDefinition {
  return {
    name,
    compile: () =>
      compiled({ match: () => false, gate: null }, [
        { code: 'OPERATOR_NEVER_MATCHES', message: `@${name} never matches: ${reason}` },
      ]),
    compileDynamic: () => ({ match: () => false }),
  }
}
