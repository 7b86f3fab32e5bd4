import { checkOperators } from './check-operators.ts'
import { checkSecLang, type SecLangCompiler } from './check-seclang.ts'
import { checkSuricata } from './check-suricata.ts'
import type { EngineFindings, Finding } from './engine-findings.ts'
import { latin1, memoryRuleFiles } from './memory-rule-files.ts'
import {
  MAX_EXCERPT,
  MAX_LISTED_REJECTIONS,
  type RuleCheckReport,
  type RuleFile,
  type RuleFileKind,
  type RuleFileSummary,
  type RuleRejection,
} from './rule-report.ts'

/**
 * Parses every file of a rule set as the engines would and tells what they would not load. Pure: reads
 * nothing but what it is given. Never throws over content.
 *
 * @param files   paths relative to the set's root; data files have to be there for rules to name them
 * @param compile the WAF's compiler where it is at hand; by default the most common faults are found
 */
export function checkRuleFiles(
  files: readonly RuleFile[],
  compile: SecLangCompiler = checkOperators,
): RuleCheckReport {
  const kinds = new Map(files.map((file) => [file.path, kindOf(file.path)]))
  const suricata = files.filter(({ path }) => kinds.get(path) === 'suricata')
  const secLang = checkSecLang(memoryRuleFiles(files), compile)
  for (const [path, kind] of kinds) {
    if (kind === 'seclang' && !secLang.read.has(path)) kinds.set(path, 'unread')
  }
  const parts = [secLang, checkSuricata(suricata, new Set(kinds.keys()))]
  const findings = parts.flatMap((part) => part.findings)
  const summaries = files.map(({ path }) => summary(path, kinds.get(path)!, parts, findings))
  const add = (key: 'accepted' | 'rejected' | 'disabled'): number =>
    summaries.reduce((sum, each) => sum + each[key], 0)
  return {
    accepted: add('accepted'),
    rejected: add('rejected'),
    disabled: add('disabled'),
    byReason: countCodes(findings),
    rejections: withExcerpts(findings.slice(0, MAX_LISTED_REJECTIONS), files),
    files: summaries,
  }
}

/** By its name: engines read `.conf` and `.rules` and nothing else. */
export function kindOf(path: string): RuleFileKind {
  if (path.endsWith('.conf')) return 'seclang'
  if (path.endsWith('.rules')) return 'suricata'
  return path.endsWith('.data') || path.endsWith('.config') ? 'data' : 'other'
}

function summary(
  path: string,
  kind: RuleFileKind,
  parts: readonly EngineFindings[],
  findings: readonly Finding[],
): RuleFileSummary {
  const units = new Set<number>()
  for (const finding of findings) if (finding.file === path) units.add(finding.unit)
  return {
    path,
    kind,
    accepted: parts.reduce((sum, part) => sum + (part.accepted.get(path) ?? 0), 0),
    rejected: units.size,
    disabled: parts.reduce((sum, part) => sum + (part.disabled.get(path) ?? 0), 0),
  }
}

function countCodes(findings: readonly Finding[]): Record<string, number> {
  const counts = new Map<string, number>()
  for (const { code } of findings) counts.set(code, (counts.get(code) ?? 0) + 1)
  return Object.fromEntries([...counts].sort((left, right) => right[1] - left[1]))
}

function withExcerpts(findings: readonly Finding[], files: readonly RuleFile[]): RuleRejection[] {
  const lines = new Map<string, readonly string[]>()
  return findings.map(({ file, line, column, code, reason }) => {
    if (!lines.has(file)) {
      const bytes = files.find((each) => each.path === file)?.bytes
      lines.set(file, bytes === undefined ? [] : latin1(bytes).split('\n'))
    }
    const text = lines.get(file)![line - 1]
    const where = { file, line, column, code, reason }
    return text === undefined ? where : { ...where, ...excerpt(text, column) }
  })
}

function excerpt(line: string, column: number): { text: string; textColumn: number } {
  const from = Math.max(0, Math.min(column - MAX_EXCERPT / 2, line.length - MAX_EXCERPT))
  return { text: line.slice(from, from + MAX_EXCERPT).trimEnd(), textColumn: column - from }
}
