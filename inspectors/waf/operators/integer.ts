import {
  compiled,
  type DynamicOperator,
  type OperatorDefinition,
  type OperatorResult,
} from './operator.ts'

/**
 * Number that a text begins with, as C's `atoi` reads it: blanks, a sign, digits; 0 without digits.
 * Larger numbers are not wrapped to 32 bits as they are there: a wrapped one passes for a small one.
 */
export function integerOf(text: string): number {
  let at = 0
  let code = text.charCodeAt(at)
  while (code === 0x20 || (code >= 9 && code <= 13)) code = text.charCodeAt(++at)
  const isNegative = code === 0x2d
  if (isNegative || code === 0x2b) code = text.charCodeAt(++at)
  let number = 0
  while (code >= 0x30 && code <= 0x39) {
    number = number * 10 + code - 0x30
    code = text.charCodeAt(++at)
  }
  return isNegative ? -number : number
}

/** Definition of an operator that compares numbers, macros allowed. */
export function integerOperator(
  name: string,
  holds: (value: number, argument: number) => boolean,
): OperatorDefinition {
  return {
    name,
    compile: (argument): OperatorResult => {
      const number = integerOf(argument)
      return compiled({ match: (value) => holds(integerOf(value), number), gate: null })
    },
    compileDynamic: (): DynamicOperator => ({
      match: (value, argument) => holds(integerOf(value), integerOf(argument)),
    }),
  }
}
