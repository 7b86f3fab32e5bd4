import { type Alert, type AlertMatch, MAX_MATCH_BYTES } from '#inspectors/inspector.ts'
import type { CompiledRule } from './program/compiled-rule.ts'

/** The alert of a rule that matched. */
export function alertOf(
  compiled: CompiledRule,
  matches: readonly AlertMatch[],
  decisive: boolean,
): Alert {
  const { rule } = compiled
  return {
    gid: rule.gid,
    signatureId: rule.sid,
    rev: rule.rev,
    message: readable(rule.message),
    category: rule.category,
    severity: Math.min(rule.priority, 255),
    metadata: rule.metadata,
    references: rule.references,
    matches,
    source: `${rule.file}:${rule.line}`,
    decisive,
  }
}

/** A message of a rules file may be UTF-8; the parser keeps bytes. */
function readable(latin1: string): string {
  const bytes = Buffer.from(latin1, 'latin1')
  const text = bytes.toString('utf8')
  return text.includes('\ufffd') ? latin1 : text
}

export function alertMatch(
  buffer: string,
  text: string,
  base: number,
  at: number,
  end: number,
  transformations: readonly string[],
): AlertMatch {
  return {
    variable: buffer,
    valueLatin1: text.slice(at, Math.min(end, at + MAX_MATCH_BYTES)),
    offset: base + at,
    transformations,
  }
}
