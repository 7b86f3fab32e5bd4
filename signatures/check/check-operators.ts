import { posix } from 'node:path'
import { compilePattern } from '#signatures/pcre/compile.ts'
import { SECLANG_OPTIONS } from '#signatures/pcre/pattern.ts'
import { type Diagnostic, Diagnostics } from '#signatures/seclang/diagnostic.ts'
import type { OperatorUse, RuleSet } from '#signatures/seclang/model.ts'
import type { RuleFiles } from '#signatures/seclang/rule-files.ts'

const PATTERNS: ReadonlySet<string> = new Set(['rx', 'rxglobal'])
const FILES: ReadonlySet<string> = new Set(['pmfromfile', 'pmf', 'ipmatchfromfile', 'ipmatchf'])

/**
 * Checks what breaks most often where the WAF's own compiler is not at hand: patterns, and data files
 * that are not there. A `SecLangCompiler`.
 */
export function checkOperators(ruleSet: RuleSet, files: RuleFiles): readonly Diagnostic[] {
  const diagnostics = new Diagnostics()
  for (const entry of ruleSet.entries) {
    if (entry.kind !== 'rule') continue
    for (const { operator } of entry.rule.links) {
      if (operator !== null && !operator.dynamic) checkOperator(operator, files, diagnostics)
    }
  }
  return diagnostics.list
}

function checkOperator(use: OperatorUse, files: RuleFiles, diagnostics: Diagnostics): void {
  const at = use.argumentPosition
  if (PATTERNS.has(use.name)) {
    const result = compilePattern(use.argument, SECLANG_OPTIONS)
    if (result.ok) return
    const place = { ...at, column: at.column + result.offset }
    diagnostics.error('SECLANG_PATTERN', place, `@${use.name}: ${result.message}`)
  }
  if (!FILES.has(use.name)) return
  for (const name of use.argument.split(/\s+/)) {
    if (name === '') continue
    const read = files.read(posix.resolve(posix.dirname(use.position.file), name))
    if (!read.ok) diagnostics.error('SECLANG_FILE', at, `@${use.name}: ${read.message}`)
  }
}
