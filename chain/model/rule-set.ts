import { type Static, Type } from 'typebox'
import { Name, NAME_PATTERN } from './names.ts'
import { RuleSetVersion } from './snapshot.ts'

/** Most versions of one rule set that are kept; older ones that nothing uses are dropped. */
export const MAX_RULE_SET_VERSIONS = 32
/** Versions that `rollback` can go back through. */
export const MAX_RULE_SET_HISTORY = 16
/** Most rule sets. */
export const MAX_RULE_SETS = 256

/** An installed version and what the check said about it when it came. */
export const InstalledVersion = Type.Object(
  {
    ...RuleSetVersion.properties,
    /** RFC 3339. */
    installedAt: Type.String(),
    bytes: Type.Integer(),
    accepted: Type.Integer(),
    rejected: Type.Integer(),
    /** Why workers would not load it, with file, line and column; null when they would. */
    refusal: Type.Union([Type.String(), Type.Null()]),
  },
  { additionalProperties: false },
)
export type InstalledVersion = Static<typeof InstalledVersion>

/** A rule set: its versions, newest first, and the one in force wherever a chain names it bare. */
export const RuleSet = Type.Object(
  {
    name: Name,
    active: Type.Union([Name, Type.Null()]),
    /** Versions that were active before, latest last: what `rollback` returns to. */
    history: Type.Array(Name),
    versions: Type.Array(InstalledVersion),
  },
  { additionalProperties: false },
)
export type RuleSet = Static<typeof RuleSet>

/** `NAME` or `NAME@VERSION`, taken apart. */
export interface RuleReference {
  readonly name: string
  readonly version: string | null
}

const NAME = new RegExp(NAME_PATTERN)

/** @returns null when the text is not a rule set reference (a path, for instance) */
export function parseRuleReference(text: string): RuleReference | null {
  const at = text.indexOf('@')
  const name = at < 0 ? text : text.slice(0, at)
  const version = at < 0 ? null : text.slice(at + 1)
  if (!NAME.test(name) || (version !== null && !NAME.test(version))) return null
  return { name, version }
}

/** The version that a reference means now; null when the set has none such. */
export function resolveReference(
  reference: RuleReference,
  ruleSet: RuleSet | undefined,
): RuleSetVersion | null {
  const wanted = reference.version ?? ruleSet?.active
  const found = ruleSet?.versions.find((version) => version.version === wanted)
  return found ? { name: found.name, version: found.version, sha256: found.sha256 } : null
}
