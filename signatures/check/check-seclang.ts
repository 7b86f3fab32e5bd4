import { filesOfFolder, type LoadedRules, loadRules } from '#signatures/seclang/load.ts'
import { logicalLines } from '#signatures/seclang/logical-line.ts'
import type { RuleFiles } from '#signatures/seclang/rule-files.ts'
import type { EngineFindings, Finding } from './engine-findings.ts'
import { ROOT } from './memory-rule-files.ts'

export interface SecLangFindings extends EngineFindings {
  /** Files that a worker reads. */
  readonly read: ReadonlySet<string>
}

/**
 * Loads the SecLang files of a set in the order a WAF worker does. Rules stand in relation to each
 * other (chains, updates, `Include`, markers), so the set is loaded whole and errors are found in place.
 */
export function checkSecLang(files: RuleFiles): SecLangFindings {
  const loaded = loadRules(filesOfFolder(ROOT, files), files)
  return {
    ...countAccepted(loaded),
    disabled: new Map(),
    findings: rejections(loaded, files),
    read: new Set(loaded.files.map((path) => path.slice(ROOT.length))),
  }
}

function countAccepted(loaded: LoadedRules): Pick<EngineFindings, 'accepted'> {
  const accepted = new Map<string, number>()
  for (const entry of loaded.ruleSet.entries) {
    if (entry.kind !== 'rule') continue
    const file = entry.rule.position.file.slice(ROOT.length)
    accepted.set(file, (accepted.get(file) ?? 0) + 1)
  }
  return { accepted }
}

function rejections(loaded: LoadedRules, files: RuleFiles): Finding[] {
  const starts = new Map<string, readonly number[]>()
  return loaded.diagnostics.flatMap((each) => {
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
