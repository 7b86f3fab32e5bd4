import { setImmediate } from 'node:timers/promises'
import { selectRuleFiles } from '#signatures/bundle/select-rule-files.ts'
import { checkRuleFiles } from '#signatures/check/check-rule-files.ts'
import type { SecLangCompiler } from '#signatures/check/check-seclang.ts'
import type { RuleCheckReport } from '#signatures/check/rule-report.ts'
import { SignatureError } from '#signatures/errors.ts'
import { readSource } from '#signatures/sources/read-source.ts'
import { EXIT } from './exit-code.ts'
import { printable } from './printable.ts'
import { Progress } from './progress.ts'
import { reportText } from './report-text.ts'
import { plural, type Terminal } from './terminal.ts'

export interface CheckOptions {
  readonly json?: boolean
  readonly all?: boolean
}

/**
 * `signatures check PATH...`: says what the engines would not load, and why. Nothing is changed.
 *
 * @param compile the WAF's compiler, see `checkRuleFiles`
 * @returns exit status: 0, or 4 when a rule was rejected
 */
export async function check(
  paths: readonly string[],
  options: CheckOptions,
  terminal: Terminal,
  compile: SecLangCompiler | undefined,
): Promise<number> {
  const progress = new Progress(terminal.err)
  const reports: RuleCheckReport[] = []
  for (const path of paths) {
    progress.show(`reading ${path}`)
    const source = await readSource(path)
    const { files, top, notes } = selectRuleFiles(source.files)
    progress.show(`checking ${plural(files.length, 'file')}`)
    const report = checkRuleFiles(files, compile)
    progress.clear()
    // Parsing holds the thread: a Ctrl-C that came meanwhile is delivered here.
    await setImmediate()
    if (terminal.signal.aborted) throw new SignatureError('INTERRUPTED', 'interrupted')
    if (!report.files.some(({ kind }) => kind === 'seclang' || kind === 'suricata')) {
      throw new SignatureError('SOURCE_UNREADABLE', `${path}: no *.conf and no *.rules in it`)
    }
    for (const note of notes) terminal.err.write(`note: ${note}\n`)
    noteUnread(report, terminal)
    reports.push(withPrefix(report, source.prefix + top))
  }
  const report = reports.length === 1 ? reports[0] : combined(reports)
  if (options.json === true) terminal.out.write(`${JSON.stringify(report)}\n`)
  else terminal.out.write(reportText(report, terminal, options.all === true))
  return report.rejected > 0 || report.rejections.length > 0 ? EXIT.rejected : EXIT.ok
}

function noteUnread(report: RuleCheckReport, terminal: Terminal): void {
  const unread = report.files.filter(({ kind }) => kind === 'unread')
  if (unread.length === 0) return
  terminal.err.write(
    `note: workers read *.conf at the top, in rules/ and in plugins/, and what those include; ` +
      `not read: ${plural(unread.length, 'file')}, ${printable(unread[0].path)} first\n`,
  )
}

function withPrefix(report: RuleCheckReport, prefix: string): RuleCheckReport {
  return {
    ...report,
    rejections: report.rejections.map((each) => ({ ...each, file: prefix + each.file })),
    files: report.files.map((each) => ({ ...each, path: prefix + each.path })),
  }
}

function combined(reports: readonly RuleCheckReport[]): RuleCheckReport {
  const byReason: Record<string, number> = Object.create(null) as Record<string, number>
  for (const report of reports) {
    for (const [code, number] of Object.entries(report.byReason)) {
      byReason[code] = (byReason[code] ?? 0) + number
    }
  }
  const sum = (key: 'accepted' | 'rejected' | 'disabled'): number =>
    reports.reduce((total, report) => total + report[key], 0)
  return {
    accepted: sum('accepted'),
    rejected: sum('rejected'),
    disabled: sum('disabled'),
    byReason,
    rejections: reports.flatMap((report) => report.rejections),
    files: reports.flatMap((report) => report.files),
  }
}
