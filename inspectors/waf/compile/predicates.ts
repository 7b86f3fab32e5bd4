import { dirname, resolve } from 'node:path'
import type { Diagnostics } from '#signatures/seclang/diagnostic.ts'
import type { OperatorUse } from '#signatures/seclang/model.ts'
import { OPERATORS as OPERATOR_KINDS } from '#signatures/seclang/operator-names.ts'
import type { RuleFiles } from '#signatures/seclang/rule-files.ts'
import type { DynamicOperator, Operator } from '../operators/operator.ts'
import { OPERATORS } from '../operators/registry.ts'
import type { Predicate } from '../values/predicate.ts'

const NEVER: Operator = { match: () => false, gate: null }

/** Operators with their arguments, each distinct one compiled once. */
export class Predicates {
  readonly list: Predicate[] = []
  readonly #byKey = new Map<string, Predicate>()
  readonly #operators = new Map<string, Operator | null>()
  readonly #files: RuleFiles
  readonly #diagnostics: Diagnostics

  constructor(files: RuleFiles, diagnostics: Diagnostics) {
    this.#files = files
    this.#diagnostics = diagnostics
  }

  /** The predicate of an operator whose argument is known; null after an error. */
  fixed(use: OperatorUse): Predicate | null {
    const folder = OPERATOR_KINDS.get(use.name)?.kind === 'file' ? dirname(use.position.file) : ''
    const operatorKey = `${use.name}\0${folder}\0${use.argument}`
    const key = `${use.negated ? '!' : ''}${operatorKey}`
    const known = this.#byKey.get(key)
    if (known !== undefined) return known
    let operator = this.#operators.get(operatorKey)
    if (operator === undefined) {
      operator = this.#compile(use)
      this.#operators.set(operatorKey, operator)
    }
    if (operator === null) return null
    const predicate = { index: this.list.length, operator, negated: use.negated }
    this.list.push(predicate)
    this.#byKey.set(key, predicate)
    return predicate
  }

  /** The operator of an argument with macros; null when it expands none. */
  dynamic(use: OperatorUse): DynamicOperator | null {
    return OPERATORS.get(use.name)?.compileDynamic() ?? null
  }

  #compile(use: OperatorUse): Operator | null {
    if (OPERATOR_KINDS.get(use.name)?.kind === 'inert') return NEVER
    const definition = OPERATORS.get(use.name)
    if (definition === undefined) {
      const message = `@${use.name} is not available`
      this.#diagnostics.error('SECLANG_UNKNOWN_OPERATOR', use.position, message)
      return null
    }
    const result = definition.compile(use.argument, {
      readData: (name) => this.#files.read(resolve(dirname(use.position.file), name)),
    })
    if (!result.ok) {
      const { error } = result
      const code =
        error.code === 'OPERATOR_PATTERN'
          ? 'SECLANG_PATTERN'
          : error.code === 'OPERATOR_FILE'
            ? 'SECLANG_FILE'
            : error.code === 'OPERATOR_UNSUPPORTED'
              ? 'SECLANG_REFUSED'
              : 'SECLANG_ARGUMENT'
      const at = use.argumentPosition
      // Exact on the argument's first line; arguments are not continued over lines in practice.
      this.#diagnostics.error(
        code,
        { ...at, column: at.column + error.offset },
        `@${definition.name}: ${error.message}`,
      )
      return null
    }
    for (const warning of result.warnings) {
      const message = `@${definition.name}: ${warning.message}`
      this.#diagnostics.warning('SECLANG_NEVER_MATCHES', use.argumentPosition, message)
    }
    return result.operator
  }
}
