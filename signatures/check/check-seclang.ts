import type { Diagnostic } from '#signatures/seclang/diagnostic.ts'
import { filesOfFolder, type LoadedRules, loadRules } from '#signatures/seclang/load.ts'
import { logicalLines } from '#signatures/seclang/logical-line.ts'
import type { RuleSet } from '#signatures/seclang/model.ts'
import type { RuleFiles } from '#signatures/seclang/rule-files.ts'
import type { EngineFindings, Finding } from './engine-findings.ts'
import { ROOT } from './memory-rule-files.ts'

/**
 * What the WAF's compiler says of rules that parsed: patterns, data files, arguments of operators. It lives
 * with the engine, which this folder may not import; a process's `main.ts` passes it in.
 */
export type SecLangCompiler = (ruleSet: RuleSet, files: RuleFiles) => readonly Diagnostic[]

export interface SecLangFindings extends EngineFindings {
  /** Files that a worker reads. */
  readonly read: ReadonlySet<string>
}

/**
 * Loads the SecLang files of a set in the order a WAF worker does. Rules stand in relation to each
 * other (chains, updates, `Include`, markers), so the set is loaded whole and errors are found in place.
 */
export function checkSecLang(files: RuleFiles, compile: SecLangCompiler): SecLangFindings {
  const paths = filesOfFolder(ROOT, files)
  const loaded = loadRules(paths, files)
  const findings = errors([...loaded.diagnostics, ...compile(loaded.ruleSet, files)], files)
  return {
    accepted: acceptedByFile(loaded, findings),
    disabled: new Map(),
    findings,
    read: new Set(loaded.files.map((path) => path.slice(ROOT.length))),
  }
}

function errors(diagnostics: readonly Diagnostic[], files: RuleFiles): Finding[] {
  const starts = new Map<string, readonly number[]>()
  return diagnostics.flatMap((each) => {
    if (each.severity !== 'error') return []
    if (!starts.has(each.file)) starts.set(each.file, lineStarts(each.file, files))
    // Errors within one directive are one rejection, however many lines it has.
    const start = starts.get(each.file)!.findLast((line) => line <= each.line) ?? each.line
    return {
      file: each.file.slice(ROOT.length),
      line: each.line,
      column: each.column,
      code: each.code,
      reason: each.message,
      unit: start,
    }
  })
}

function lineStarts(file: string, files: RuleFiles): number[] {
  const text = files.read(file)
  if (!text.ok) return []
  return logicalLines(file, text.textLatin1).map((line) => line.positionAt(0).line)
}

/** Rules without a finding in any of their links. */
function acceptedByFile(loaded: LoadedRules, findings: readonly Finding[]): Map<string, number> {
  const faulty = new Set(findings.map(({ file, unit }) => `${ROOT}${file}\n${unit}`))
  const accepted = new Map<string, number>()
  for (const entry of loaded.ruleSet.entries) {
    if (entry.kind !== 'rule') continue
    const { links, position } = entry.rule
    if (links.some((link) => faulty.has(`${link.position.file}\n${link.position.line}`))) continue
    const file = position.file.slice(ROOT.length)
    accepted.set(file, (accepted.get(file) ?? 0) + 1)
  }
  return accepted
}
