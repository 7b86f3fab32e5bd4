import type { Action, Rule, RuleHead } from '#signatures/suricata/rule.ts'
import {
  type RateFilter,
  type ThresholdConfig,
  concerns,
} from '#signatures/suricata/threshold-config.ts'
import type { RuleVariables } from '../program/variables.ts'
import { Suppressions } from './suppressions.ts'
import { type Endpoints, RateFilters, Thresholds } from './thresholds.ts'

/** `silent`: the rule acts and shows no alert. `below`: its rate is not reached, it has not matched. */
export interface Standing {
  readonly kind: 'shown' | 'silent' | 'below'
  /** In place of the rule's own; null: that one. */
  readonly action: Action | null
}

const SHOWN: Standing = { kind: 'shown', action: null }
const SILENT: Standing = { kind: 'silent', action: null }
const BELOW: Standing = { kind: 'below', action: null }

/** Thresholds, rate filters and suppressions over the matches of all connections. */
export class AlertLimits {
  readonly #thresholds = new Thresholds()
  readonly #rates = new RateFilters()
  readonly #filters: readonly RateFilter[]
  readonly #suppressions: Suppressions
  readonly #filtersOf = new Map<RuleHead, readonly RateFilter[]>()

  /** @throws RuleFault when a variable is unknown */
  constructor(config: ThresholdConfig, variables: RuleVariables) {
    this.#filters = config.rateFilters
    this.#suppressions = new Suppressions(config.suppressions, variables)
  }

  /** What sets of ports take, and how many had to be forgotten. */
  get portSets(): { readonly bytes: number; readonly forgotten: number } {
    return this.#thresholds.portSets
  }

  /**
   * Counts one match of a rule.
   *
   * @param now milliseconds
   */
  judge(rule: RuleHead, endpoints: Endpoints, now: number): Standing {
    if (this.#suppressions.holdsBack(rule, endpoints)) return SILENT
    const { threshold } = rule
    const isAdmitted =
      threshold === null || this.#thresholds.admits(rule, threshold, endpoints, now)
    if (!isAdmitted && threshold.kind === 'detection') return BELOW
    if (this.#filters.length === 0) return isAdmitted ? SHOWN : SILENT
    const action = this.#filtered(rule, endpoints, now)
    return { kind: isAdmitted ? 'shown' : 'silent', action }
  }

  #filtered(rule: RuleHead, endpoints: Endpoints, now: number): Action | null {
    let filters = this.#filtersOf.get(rule)
    if (filters === undefined) {
      filters = this.#filters.filter((filter) => concerns(filter, rule))
      this.#filtersOf.set(rule, filters)
    }
    let action: Action | null = null
    for (const filter of filters)
      if (this.#rates.exceeds(rule, filter, endpoints, now)) action ??= filter.action
    return action
  }
}

/** Rules with the thresholds of a `threshold.config`: one for a rule by number is stronger than the rule's own. */
export function withThresholds(rules: Rule[], config: ThresholdConfig): Rule[] {
  if (config.thresholds.length === 0) return rules
  return rules.map((rule) => {
    const found = config.thresholds.findLast((entry) => concerns(entry, rule))
    if (found === undefined || (found.sid === 0 && rule.threshold !== null)) return rule
    return { ...rule, threshold: found.threshold }
  })
}
