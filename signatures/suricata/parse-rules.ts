import { type Classification, DEFAULT_CLASSIFICATIONS } from './classification.ts'
import { forEachLogicalLine } from './logical-lines.ts'
import { parseRule } from './parse-rule.ts'
import type { RuleProblem } from './problem.ts'
import { RulePool } from './rule-pool.ts'
import type { Rule } from './rule.ts'

/** Most rules of one file. */
export const MAX_RULES = 500_000

export interface ParseOptions {
  /** Of a `classification.config`; the built-in table where it is left out. */
  readonly classifications?: ReadonlyMap<string, Classification>
  /** Commented-out rules are parsed too, with `enabled: false`; otherwise they are only counted. */
  readonly includeDisabled?: boolean
}

export interface ParsedRules {
  readonly rules: readonly Rule[]
  /** Rules that are commented out, that `requires` passes over, or that a later revision replaces. */
  readonly disabled: number
  /** One for each rejected rule. */
  readonly errors: readonly RuleProblem[]
}

/**
 * Parses a rules file. A rule that cannot be enforced as written is rejected whole, with its reason. Of
 * two rules with one gid and sid the higher revision stays, and of equal ones the first: a later, higher revision
 * takes an earlier one's place, which then counts as disabled; otherwise the later one is rejected.
 *
 * @param text the file's bytes, or these as latin1, so that one character is one byte
 * @param file name for positions
 */
export function parseRules(
  text: string | Buffer,
  file: string,
  options: ParseOptions = {},
): ParsedRules {
  const classifications = options.classifications ?? DEFAULT_CLASSIFICATIONS
  const errors: RuleProblem[] = []
  const byId = new Map<string, Rule>()
  const pool = new RulePool()
  let disabled = 0
  forEachLogicalLine(text, (line) => {
    if (line.disabled) {
      disabled += 1
      if (options.includeDisabled !== true) return
    }
    const result = parseRule(line, file, classifications, pool)
    if (result.ok === 'skipped') {
      if (!line.disabled) disabled += 1
      return
    }
    if (!result.ok) {
      if (!line.disabled) errors.push(result.problem)
      return
    }
    const { rule } = result
    const id = `${rule.gid}:${rule.sid}`
    const before = byId.get(id)
    if (before === undefined && byId.size >= MAX_RULES) {
      errors.push(problem(rule, 'limit', `more than ${MAX_RULES} rules in one file`))
      return
    }
    if (before === undefined || before.rev < rule.rev) byId.set(id, rule)
    if (before !== undefined && before.rev < rule.rev && before.enabled) disabled += 1
    if (before !== undefined && before.rev >= rule.rev && rule.enabled)
      errors.push(
        problem(
          rule,
          'duplicate-sid',
          `sid ${id} is given twice; revision ${rule.rev} is left out`,
        ),
      )
  })
  return { rules: [...byId.values()], disabled, errors }
}

function problem(rule: Rule, code: RuleProblem['code'], message: string): RuleProblem {
  return { file: rule.file, line: rule.line, column: 1, code, message, sid: rule.sid }
}
