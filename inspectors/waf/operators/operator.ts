import type { Gate } from '#signatures/pcre/gate.ts'

/** Most captures SecLang keeps: TX.0 to TX.9. */
export const MAX_CAPTURES = 10

/**
 * Where an operator writes what matched: reused, so it is read before the next `match`. Written only
 * when the operator matches.
 */
export class Captures {
  /** Texts for TX.0 .. TX.9; entries at `count` and above are stale. */
  readonly groups: string[] = Array.from({ length: MAX_CAPTURES }, () => '')
  /** Groups that take part; 0 for operators that capture nothing. */
  count = 0
  /** Offset of the match in the value; -1 when it has none. */
  offset = -1

  clear(): void {
    this.count = 0
    this.offset = -1
  }

  /** One group: the whole match. */
  whole(textLatin1: string, offset: number): void {
    this.groups[0] = textLatin1
    this.count = 1
    this.offset = offset
  }
}

/** An operator with its argument built in. Negation (`!@`) is the engine's. */
export interface Operator {
  /**
   * @param valueLatin1 one variable value
   * @param captures where to say what matched, or null when nobody asks
   */
  match(valueLatin1: string, captures: Captures | null): boolean
  /** What a value needs to match; null where the operator says nothing about it. */
  readonly gate: Gate | null
  /**
   * True: a value that has other digits in place of its digits matches as well, or as little. Absent: that is not known.
   */
  readonly isDigitBlind?: boolean
}

/** An operator whose argument holds macros: the engine expands them for every evaluation. */
export interface DynamicOperator {
  match(valueLatin1: string, argumentLatin1: string, captures: Captures | null): boolean
}

export type OperatorErrorCode =
  | 'OPERATOR_ARGUMENT'
  | 'OPERATOR_PATTERN'
  | 'OPERATOR_FILE'
  | 'OPERATOR_UNSUPPORTED'

export type OperatorWarningCode = 'OPERATOR_NEVER_MATCHES' | 'OPERATOR_PATTERN_BUDGET'

/** Why an argument is refused; `offset` counts bytes of the argument. */
export interface OperatorError {
  readonly code: OperatorErrorCode
  readonly offset: number
  readonly message: string
}

export interface OperatorWarning {
  readonly code: OperatorWarningCode
  readonly message: string
}

export type OperatorResult =
  | {
      readonly ok: true
      readonly operator: Operator
      readonly warnings: readonly OperatorWarning[]
    }
  | { readonly ok: false; readonly error: OperatorError }

/** What an operator may ask for while it is compiled. */
export interface OperatorContext {
  /**
   * Text of a data file named in a rule (`@pmFromFile`), relative to the rule's own file.
   * The engine decides which folders may be read.
   */
  readData(name: string): DataFile
}

export type DataFile =
  | { readonly ok: true; readonly textLatin1: string }
  | { readonly ok: false; readonly message: string }

/** One row of the registry. */
export interface OperatorDefinition {
  /** As the reference manual spells it. */
  readonly name: string
  /** Argument without macros, known at load. Data files are read here, once. */
  compile(argumentLatin1: string, context: OperatorContext): OperatorResult
  /** For arguments with macros; null where the language does not expand them. */
  compileDynamic(): DynamicOperator | null
}

const NO_WARNINGS: readonly OperatorWarning[] = []

/** Result of a compilation that went well. */
export function compiled(
  operator: Operator,
  warnings: readonly OperatorWarning[] = NO_WARNINGS,
): OperatorResult {
  return { ok: true, operator, warnings }
}

/** Result of a compilation that did not. */
export function refused(code: OperatorErrorCode, offset: number, message: string): OperatorResult {
  return { ok: false, error: { code, offset, message } }
}
