import type { Gate } from '#signatures/pcre/gate.ts'
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
 * @param needs what a value that matches must have (an empty argument tells nothing): nothing, the argument
 *   somewhere in it, or the argument and nothing else
 */
export function textOperator(
  name: string,
  compare: Comparison,
  needs: 'nothing' | 'text' | 'text-alone',
): OperatorDefinition {
  return {
    name,
    compile: (argument): OperatorResult =>
      compiled({
        match: (value) => compare(value, argument),
        gate: needs === 'nothing' || argument === '' ? null : gateOf(argument, needs),
        isDigitBlind: !/[0-9]/.test(argument),
      }),
    compileDynamic: (): DynamicOperator => ({
      match: (value: string, argument: string, _captures: Captures | null) =>
        compare(value, argument),
    }),
  }
}

function gateOf(argument: string, needs: 'text' | 'text-alone'): Gate {
  const gate = gateOfLiterals([argument], false)
  return needs === 'text' ? gate : { ...gate, maxLength: argument.length }
}
