import { type OperatorDefinition, refused } from './operator.ts'

/** Definition of an operator that is known and refused: a rule that uses it does not load. */
export function unsupported(name: string, reason: string): OperatorDefinition {
  return {
    name,
    compile: () => refused('OPERATOR_UNSUPPORTED', 0, `@${name} is not supported: ${reason}`),
    compileDynamic: () => null,
  }
}

const NO_PROGRAMS = 'rules do not run programs or scripts'
const NO_SCHEMA = 'documents are not validated against a schema'

/** Operators of the reference manuals that are refused, each for its reason. */
export const UNSUPPORTED: readonly OperatorDefinition[] = [
  unsupported('rsub', 'messages are forwarded unchanged'),
  unsupported('inspectFile', NO_PROGRAMS),
  unsupported('fuzzyHash', 'there is no ssdeep here'),
  unsupported('gsbLookup', 'Google withdrew the database that it read'),
  unsupported('validateDTD', NO_SCHEMA),
  unsupported('validateSchema', NO_SCHEMA),
  unsupported('validateHash', 'messages are forwarded unchanged, so no links are signed'),
]
