import {
  type Classification,
  DEFAULT_CLASSIFICATIONS,
  parseClassifications,
} from '#signatures/suricata/classification.ts'
import { parseRules } from '#signatures/suricata/parse-rules.ts'
import type { EngineFindings, Finding } from './engine-findings.ts'
import { latin1 } from './memory-rule-files.ts'
import type { RuleFile } from './rule-report.ts'

/** Parses the `.rules` files of a set, each on its own, with the set's `classification.config`. */
export function checkSuricata(
  ruleFiles: readonly RuleFile[],
  classificationFile: RuleFile | undefined,
): EngineFindings {
  const accepted = new Map<string, number>()
  const disabled = new Map<string, number>()
  const findings: Finding[] = []
  const classifications = classificationsOf(classificationFile)
  for (const { path, bytes } of ruleFiles) {
    const parsed = parseRules(latin1(bytes), path, { classifications })
    accepted.set(path, parsed.rules.length)
    disabled.set(path, parsed.disabled)
    for (const problem of parsed.errors) {
      const { file, line, column, code, message, suggestion } = problem
      const reason = suggestion === undefined ? message : `${message}; ${suggestion}`
      findings.push({ file, line, column, code, reason, unit: line })
    }
  }
  return { accepted, disabled, findings }
}

/** The built-in table with the set's own entries over it. */
function classificationsOf(file: RuleFile | undefined): ReadonlyMap<string, Classification> {
  if (file === undefined) return DEFAULT_CLASSIFICATIONS
  return new Map([...DEFAULT_CLASSIFICATIONS, ...parseClassifications(latin1(file.bytes))])
}
