import type { RuleCheckReport, RuleRejection } from '#signatures/check/rule-report.ts'
import { printable } from './printable.ts'
import { count, plural, styled, type Terminal } from './terminal.ts'

/** Groups of equal rejections that are shown, and further places that are named per group. */
const SHOWN_GROUPS = 40
const SHOWN_PLACES = 5
/** Characters of a rule before its fault that are shown on a line of its own. */
const EXCERPT_WIDTH = 100

/**
 * Rejections for people: equal reasons once, the first with its line and a caret, then the totals.
 *
 * @param all every place of every group in place of the first few
 */
export function reportText(report: RuleCheckReport, terminal: Terminal, all: boolean): string {
  const groups = Map.groupBy(report.rejections, ({ code, reason }) => `${code}\n${reason}`)
  const sorted = [...groups.values()].sort((left, right) => right.length - left.length)
  const shown = all ? sorted : sorted.slice(0, SHOWN_GROUPS)
  let text = shown.map((group) => groupText(group, terminal, all)).join('\n')
  if (shown.length > 0) text += '\n'
  if (sorted.length > shown.length) {
    text += `${plural(sorted.length - shown.length, 'other reason')}: --all shows them\n\n`
  }
  return text + totalsText(report, terminal)
}

function groupText(group: readonly RuleRejection[], terminal: Terminal, all: boolean): string {
  const first = group[0]
  const where = styled(terminal, 'bold', `${place(first)}:`)
  const reason = printable(first.reason)
  let text = `${where} ${styled(terminal, 'red', reason)} [${printable(first.code)}]\n`
  text += caretText(first, terminal)
  const others = group.slice(1)
  if (others.length === 0) return text
  const named = all ? others : others.slice(0, SHOWN_PLACES)
  const rest = others.length - named.length
  const list = named.map(place).join(', ') + (rest > 0 ? `, and ${count(rest)} more` : '')
  return `${text}  the same in ${plural(others.length, 'other place')}: ${list}\n`
}

function caretText({ text, textColumn = 1 }: RuleRejection, terminal: Terminal): string {
  if (text === undefined || text.trim() === '') return ''
  const from = Math.max(
    0,
    Math.min(textColumn - 1 - EXCERPT_WIDTH / 2, text.length - EXCERPT_WIDTH),
  )
  const line = printable(text.slice(from, from + EXCERPT_WIDTH))
  const caret = `${' '.repeat(Math.max(0, textColumn - 1 - from))}^`
  return `  ${line}\n  ${styled(terminal, 'red', caret)}\n`
}

function place({ file, line, column }: RuleRejection): string {
  return `${printable(file)}:${line}:${column}`
}

function totalsText(report: RuleCheckReport, terminal: Terminal): string {
  const { accepted, rejected, disabled, files } = report
  const read = files.filter(({ kind }) => kind === 'seclang' || kind === 'suricata').length
  const parts = [
    styled(terminal, 'green', `${plural(accepted, 'rule')} accepted`),
    rejected > 0 ? styled(terminal, 'red', `${count(rejected)} rejected`) : '0 rejected',
    ...(disabled > 0 ? [`${count(disabled)} disabled in the file`] : []),
  ]
  const hasBrokenWaf = files.some(({ kind, rejected }) => kind === 'seclang' && rejected > 0)
  const consequence = hasBrokenWaf ? 'a WAF does not load a set with errors in its *.conf\n' : ''
  const reasons = Object.entries(report.byReason)
    .map(([code, number]) => `  ${count(number).padStart(7)}  ${printable(code)}\n`)
    .join('')
  return `${parts.join(', ')} (${plural(read, 'rule file')})\n${reasons}${consequence}`
}
