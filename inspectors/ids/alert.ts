import {
  type Alert,
  type AlertFile,
  type AlertMatch,
  MAX_MATCH_BYTES,
} from '#inspectors/inspector.ts'
import type { TransferredFile } from './files/transferred-file.ts'
import type { CompiledRule } from './program/compiled-rule.ts'

/** What a rule matched with beside its buffers. */
export interface AlertSubject {
  readonly files?: readonly AlertFile[]
  readonly context?: Readonly<Record<string, unknown>>
}

export const NOTHING: AlertSubject = {}

type RuleAlert = Omit<Alert, 'matches' | 'decisive'>

/** What the alerts of a rule have in common, made when it matches first. */
const ruleAlerts = new WeakMap<CompiledRule['rule'], RuleAlert>()

/** The alert of a rule that matched. */
export function alertOf(
  { rule }: CompiledRule,
  matches: readonly AlertMatch[],
  decisive: boolean,
  about: AlertSubject,
): Alert {
  let common = ruleAlerts.get(rule)
  if (common === undefined) {
    common = ruleAlert(rule)
    ruleAlerts.set(rule, common)
  }
  return { ...common, matches, decisive, ...about }
}

function ruleAlert(rule: CompiledRule['rule']): RuleAlert {
  return {
    gid: rule.gid,
    signatureId: rule.sid,
    rev: rule.rev,
    message: readable(rule.message),
    category: rule.category,
    severity: Math.min(rule.priority, 255),
    metadata: rule.metadata,
    references: rule.references,
    ...(rule.target === null ? {} : { target: rule.target }),
    source: `${rule.file}:${rule.line}`,
  }
}

/** A file as it stands now. */
export function alertFile(file: TransferredFile): AlertFile {
  const md5 = file.digest('md5')
  const sha1 = file.digest('sha1')
  const sha256 = file.digest('sha256')
  return {
    name: file.name,
    bytes: file.size,
    state: file.state,
    ...(md5 === null ? {} : { md5 }),
    ...(sha1 === null ? {} : { sha1 }),
    ...(sha256 === null ? {} : { sha256 }),
  }
}

/** A message of a rules file may be UTF-8; the parser keeps bytes. */
function readable(latin1: string): string {
  if (!/[^\0-\x7f]/.test(latin1)) return latin1
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
