import { GID_SECLANG } from '#chain/model/eve-values.ts'
import type { Alert } from '#inspectors/inspector.ts'
import type { RuleHit, RuleInfo } from './transaction/rule-hit.ts'

/** EVE severity (1 is most urgent) by SecLang severity. */
const EVE_SEVERITY = [1, 1, 1, 2, 3, 4, 4, 4] as const
const UNKNOWN_SEVERITY = 3
const MAX_LOGDATA_BYTES = 1024
const MAX_MESSAGE_BYTES = 512

/**
 * True for rules that tell of an attack. Rules that only keep books (scores in phase 5, plumbing) are
 * logged but raise no alert.
 */
export function isAlert(hit: RuleHit): boolean {
  const { rule } = hit
  // `nolog,auditlog`: for the audit log alone.
  if (!rule.log && !hit.isDecisive) return false
  if (hit.isDecisive || rule.severity !== null || rule.disruptive.kind !== 'pass') return true
  return rule.phase !== 5 && hit.msg !== ''
}

type Mutable<T> = { -readonly [Key in keyof T]: T[Key] }

/** What all alerts of a rule share, the same objects each time. */
type RuleFields = Pick<
  Required<Alert>,
  | 'gid'
  | 'signatureId'
  | 'rev'
  | 'category'
  | 'metadata'
  | 'references'
  | 'phase'
  | 'tags'
  | 'source'
>

const fieldsOfRules = new WeakMap<RuleInfo, RuleFields>()

function fieldsOf(rule: RuleInfo): RuleFields {
  const known = fieldsOfRules.get(rule)
  if (known !== undefined) return known
  const paranoia = rule.tags.find((tag) => tag.startsWith('paranoia-level/'))
  const fields: RuleFields = {
    gid: GID_SECLANG,
    signatureId: rule.id,
    rev: Number.parseInt(rule.rev, 10) || 1,
    category: rule.tags.find((tag) => tag.startsWith('attack-')) ?? rule.tags[0] ?? '',
    metadata: {
      ...(rule.ver === null ? {} : { ver: [rule.ver] }),
      ...(paranoia === undefined ? {} : { paranoia_level: [paranoia.slice(15)] }),
    },
    references: [],
    phase: rule.phase,
    tags: rule.tags,
    source: rule.source,
  }
  fieldsOfRules.set(rule, fields)
  return fields
}

/** @param isLogOnly it tells of no attack */
export function alertOf(hit: RuleHit, isLogOnly: boolean): Alert {
  const { rule, msg, logdata } = hit
  const fields = fieldsOf(rule)
  // Field by field: to spread the shared ones costs several times as much.
  const alert: Mutable<Alert> = {
    gid: fields.gid,
    signatureId: fields.signatureId,
    rev: fields.rev,
    category: fields.category,
    metadata: fields.metadata,
    references: fields.references,
    phase: fields.phase,
    tags: fields.tags,
    source: fields.source,
    message: msg === '' ? `Rule ${rule.id} matched` : msg.slice(0, MAX_MESSAGE_BYTES),
    severity: severityOf(hit),
    matches: hit.matches,
    score: hit.score,
    decisive: hit.isDecisive,
  }
  if (logdata !== '') alert.logdata = logdata.slice(0, MAX_LOGDATA_BYTES)
  if (isLogOnly) alert.isLogOnly = true
  return alert
}

function severityOf(hit: RuleHit): number {
  const { severity } = hit.rule
  if (severity === null) return hit.isDecisive ? 1 : UNKNOWN_SEVERITY
  return EVE_SEVERITY[severity] ?? UNKNOWN_SEVERITY
}

/** An alert of the engine itself (`limit`), under an id of the range kept for such. */
export function engineAlert(signatureId: number, message: string, decisive: boolean): Alert {
  return {
    gid: GID_SECLANG,
    signatureId,
    rev: 1,
    message,
    category: 'attack-protocol',
    severity: 2,
    metadata: {},
    references: [],
    matches: [],
    tags: ['attack-protocol'],
    source: 'built-in',
    decisive,
  }
}
