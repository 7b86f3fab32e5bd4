/** How `setvar` changes a variable: the value before and the operand give the value after. */
export type Change = (before: string | undefined, operand: string) => string | undefined

export const CHANGES: Readonly<Record<'set' | 'add' | 'subtract' | 'unset', Change>> = {
  set: (_before, operand) => operand,
  add: (before, operand) => String(toInteger(before ?? '') + toInteger(operand)),
  subtract: (before, operand) => String(toInteger(before ?? '') - toInteger(operand)),
  unset: () => undefined,
}

/** Leading digits, as C's `atoi` reads them; 0 when there are none. */
export function toInteger(text: string): number {
  const value = Number.parseInt(text, 10)
  return Number.isFinite(value) ? value : 0
}
