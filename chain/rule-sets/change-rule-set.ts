import { ApiError } from '#chain/errors.ts'
import { chainsNaming, type DesiredState, ruleReferences } from '#chain/model/desired.ts'
import {
  type InstalledVersion,
  MAX_RULE_SET_HISTORY,
  MAX_RULE_SET_VERSIONS,
  MAX_RULE_SETS,
  parseRuleReference,
  type RuleSet,
} from '#chain/model/rule-set.ts'

import type { RuleCheckReport } from '#signatures/check/rule-report.ts'

/** Changes of a rule set as pure functions: the set before in, the set after out. */

/** Adds a version at the front. Old ones go when nothing uses or could return to them. */
export function withVersion(
  state: DesiredState,
  name: string,
  installed: InstalledVersion,
): RuleSet {
  const before = state.ruleSets.get(name)?.value
  if (before === undefined) {
    if (state.ruleSets.size >= MAX_RULE_SETS) {
      throw new ApiError('too-many', `${MAX_RULE_SETS} rule sets are installed already`)
    }
    return { name, active: null, history: [], versions: [installed] }
  }
  const versions = [installed, ...before.versions]
  const inUse = versionsInUse(state, before)
  while (versions.length > MAX_RULE_SET_VERSIONS) {
    const dropped = versions.findLastIndex(
      ({ version }) => version !== installed.version && !inUse.has(version),
    )
    if (dropped < 0) {
      throw new ApiError('too-many', `${MAX_RULE_SET_VERSIONS} versions of ${name} are in use`)
    }
    versions.splice(dropped, 1)
  }
  return { ...before, versions }
}

/**
 * Why workers would not load a set. The WAF loads the SecLang files of a set whole or not at all, because
 * rules stand in relation to each other; the IDS leaves single rules out.
 *
 * @returns null when they would
 */
export function refusalOf({ files, rejections }: RuleCheckReport): string | null {
  const secLang = files.filter(({ kind, rejected }) => kind === 'seclang' && rejected > 0)
  if (secLang.length === 0) return null
  const paths = new Set(secLang.map(({ path }) => path))
  const count = secLang.reduce((sum, { rejected }) => sum + rejected, 0)
  const first = rejections.find(({ file }) => paths.has(file))
  const where =
    first === undefined ? '' : `${first.file}:${first.line}:${first.column}: ${first.reason}`
  return count === 1 ? where : `${where} (and ${count - 1} more)`
}

/** Versions that are active, that a rollback returns to, or that a chain names outright. */
function versionsInUse(state: DesiredState, ruleSet: RuleSet): ReadonlySet<string> {
  const named = chainsNaming(state, ruleSet.name).flatMap(({ chain }) =>
    ruleReferences(chain).flatMap(({ reference }) => {
      const parsed = parseRuleReference(reference)
      return parsed?.name === ruleSet.name && parsed.version !== null ? parsed.version : []
    }),
  )
  return new Set([
    ...(ruleSet.active === null ? [] : [ruleSet.active]),
    ...ruleSet.history,
    ...named,
  ])
}

/** The set with what a new check says of a version that it has. */
export function withRenewed(ruleSet: RuleSet, renewed: InstalledVersion): RuleSet {
  const versions = ruleSet.versions.map((installed) =>
    installed.sha256 === renewed.sha256 ? renewed : installed,
  )
  return { ...ruleSet, versions }
}

/** Makes a version the active one. @throws ApiError when there is no such version */
export function withActive(ruleSet: RuleSet, version: string): RuleSet {
  const found = ruleSet.versions.find((installed) => installed.version === version)
  if (found === undefined) {
    const detail = `rule set ${ruleSet.name} has no version ${version}`
    throw new ApiError('not-found', detail, { errors: [{ pointer: '/version', detail }] })
  }
  if (found.refusal !== null) {
    const detail = `workers would not load ${ruleSet.name}@${version}: ${found.refusal}`
    throw new ApiError('rule-set-refused', detail, { errors: [{ pointer: '/version', detail }] })
  }
  if (ruleSet.active === version) return ruleSet
  const history = ruleSet.active === null ? ruleSet.history : [...ruleSet.history, ruleSet.active]
  return { ...ruleSet, active: version, history: history.slice(-MAX_RULE_SET_HISTORY) }
}

/** Returns to the version that was active before. @throws ApiError when there was none */
export function rolledBack(ruleSet: RuleSet): RuleSet {
  const previous = ruleSet.history.at(-1)
  if (previous === undefined) {
    throw new ApiError('conflict', `rule set ${ruleSet.name} had no other active version before`)
  }
  return { ...ruleSet, active: previous, history: ruleSet.history.slice(0, -1) }
}
