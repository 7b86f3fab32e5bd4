import { parseRules } from '#signatures/suricata/parse-rules.ts'
import type { EngineFindings, Finding } from './engine-findings.ts'
import { latin1 } from './memory-rule-files.ts'
import type { RuleFile } from './rule-report.ts'

/** Parses the `.rules` files of a set, each on its own. A class that nobody defines rejects no rule. */
export function checkSuricata(ruleFiles: readonly RuleFile[]): EngineFindings {
  const accepted = new Map<string, number>()
  const disabled = new Map<string, number>()
  const findings: Finding[] = []
  for (const { path, bytes } of ruleFiles) {
    const parsed = parseRules(latin1(bytes), path)
    accepted.set(path, parsed.rules.length)
    disabled.set(path, parsed.disabled)
    for (const { file, line, column, code, message, suggestion } of parsed.errors) {
      const reason = suggestion === undefined ? message : `${message}; ${suggestion}`
      findings.push({ file, line, column, code, reason, unit: line })
    }
  }
  return { accepted, disabled, findings }
}
