import {
  type Captures,
  compiled,
  type DynamicOperator,
  type OperatorDefinition,
  type OperatorResult,
} from './operator.ts'
import { gateOfLiterals } from './literal-gate.ts'

/** Compares a value with a text. */
type Comparison = (valueLatin1: string, textLatin1: string) => boolean

/**
 * Definition of an operator that compares the value with its argument as text, macros allowed.
 *
 * @param needsText a value that matches has the argument in it (an empty argument tells nothing)
 */
export function textOperator(
  name: string,
  compare: Comparison,
  needsText: boolean,
): OperatorDefinition {
  return {
    name,
    compile: (argument): OperatorResult =>
      compiled({
        match: (value) => compare(value, argument),
        gate: needsText && argument !== '' ? gateOfLiterals([argument], false) : null,
      }),
    compileDynamic: (): DynamicOperator => ({
      match: (value: string, argument: string, _captures: Captures | null) =>
        compare(value, argument),
    }),
  }
}
