import { posix } from 'node:path'
import { dataFilesOf } from '#signatures/suricata/data-file.ts'
import { parseRules } from '#signatures/suricata/parse-rules.ts'
import type { EngineFindings, Finding } from './engine-findings.ts'
import { latin1 } from './memory-rule-files.ts'
import type { RuleFile } from './rule-report.ts'

/**
 * Parses the `.rules` files of a set, each on its own. A class that nobody defines rejects no rule; a file with data
 * that a rule names and the set does not hold does.
 *
 * @param paths of all files of the set
 */
export function checkSuricata(
  ruleFiles: readonly RuleFile[],
  paths: ReadonlySet<string>,
): EngineFindings {
  const accepted = new Map<string, number>()
  const disabled = new Map<string, number>()
  const findings: Finding[] = []
  for (const { path, bytes } of ruleFiles) {
    const parsed = parseRules(latin1(bytes), path)
    let lacking = 0
    for (const rule of parsed.rules) {
      const name = [...dataFilesOf(rule)].find(
        (each) => !paths.has(posix.join(posix.dirname(path), each)),
      )
      if (name === undefined) continue
      lacking += 1
      const { line } = rule
      const reason = `${name} is not in the rule set; put it beside ${posix.basename(path)}`
      findings.push({ file: path, line, column: 1, code: 'missing-data', reason, unit: line })
    }
    accepted.set(path, parsed.rules.length - lacking)
    disabled.set(path, parsed.disabled)
    for (const { file, line, column, code, message, suggestion } of parsed.errors) {
      const reason = suggestion === undefined ? message : `${message}; ${suggestion}`
      findings.push({ file, line, column, code, reason, unit: line })
    }
  }
  return { accepted, disabled, findings }
}
