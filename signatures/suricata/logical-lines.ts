/**
 * Splits a rules file into logical lines.
 *
 *   file     := line*
 *   line     := text EOL            EOL := LF | CRLF | end of file
 *   logical  := line, joined with the next one while it ends in '\'
 *   comment  := blank* '#' text     (a comment is never continued)
 *
 * A commented-out rule (`# alert ... (...)`) is reported as such: rule sets ship disabled rules
 * this way, and operators enable them by number.
 */

import { ownText } from './rule-pool.ts'

/** Longest logical line, in characters. ET's longest rule is under 4,000. */
export const MAX_RULE_CHARACTERS = 65_536

/** Where a stretch of a logical line comes from: `at` is its offset in the joined text. */
interface Segment {
  readonly at: number
  readonly line: number
  readonly column: number
}

export interface LogicalLine {
  readonly text: string
  /** Commented-out rule; `text` is without the comment sign. */
  readonly disabled: boolean
  readonly segments: readonly Segment[]
}

export interface Position {
  readonly line: number
  readonly column: number
}

const DISABLED_RULE =
  /^#[#\s]*(?=(?:alert|pass|drop|reject|rejectsrc|rejectdst|rejectboth|config)\s+[a-z0-9:-]+\s[^(]*\(.*\)\s*$)/s

/**
 * @param text whole file: its bytes, or these as latin1 (one character is one byte)
 * @param each called for every logical line that is neither empty nor plain comment
 */
export function forEachLogicalLine(text: string | Buffer, each: (line: LogicalLine) => void): void {
  let lineNumber = 0
  let at = 0
  while (at < text.length) {
    lineNumber += 1
    let raw = lineAt(text, at)
    at += raw.length + 1
    raw = withoutReturn(raw)
    const lead = leadingBlanks(raw)
    if (lead === raw.length) continue
    if (raw.charCodeAt(lead) === 0x23) {
      const body = raw.slice(lead)
      const sign = DISABLED_RULE.exec(body)
      if (sign === null) continue
      const column = lead + sign[0].length
      each({
        text: body.slice(sign[0].length),
        disabled: true,
        segments: [{ at: 0, line: lineNumber, column: column + 1 }],
      })
      continue
    }
    let joined = raw.slice(lead)
    const segments: Segment[] = [{ at: 0, line: lineNumber, column: lead + 1 }]
    while (joined.endsWith('\\') && at < text.length) {
      joined = joined.slice(0, -1)
      lineNumber += 1
      const next = lineAt(text, at)
      at += next.length + 1
      segments.push({ at: joined.length, line: lineNumber, column: 1 })
      joined += withoutReturn(next)
    }
    each({ text: joined, disabled: false, segments })
  }
}

/** Line and column of an offset in a logical line's text. */
export function positionOf(line: LogicalLine, offset: number): Position {
  let found = line.segments[0]
  for (const segment of line.segments) if (segment.at <= offset) found = segment
  return { line: found.line, column: found.column + Math.max(0, offset - found.at) }
}

/** A line is a text of its own: what is cut out of it does not keep the file in memory. */
function lineAt(text: string | Buffer, at: number): string {
  const end = text.indexOf('\n', at)
  const stop = end < 0 ? text.length : end
  return typeof text === 'string'
    ? ownText(text.slice(at, stop))
    : text.toString('latin1', at, stop)
}

function withoutReturn(line: string): string {
  return line.endsWith('\r') ? line.slice(0, -1) : line
}

function leadingBlanks(line: string): number {
  let at = 0
  while (at < line.length && (line.charCodeAt(at) === 0x20 || line.charCodeAt(at) === 0x09)) at += 1
  return at
}
