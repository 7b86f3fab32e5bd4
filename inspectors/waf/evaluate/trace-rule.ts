import type { CompiledLink, CompiledRule } from '../compile/program.ts'
import type { Transaction } from '../transaction/transaction.ts'
import { transformThrough } from '../values/pipeline.ts'
import { variableName } from '../transaction/matched-variable.ts'
import { ResolvedTargets, resolveTargets } from './resolved-targets.ts'

/** Most values that a trace shows of one link. */
export const MAX_TRACED_VALUES = 200

/** What one link of a rule looked at. */
export interface LinkTrace {
  /** `ARGS|!ARGS:id` */
  readonly targets: string
  readonly transformations: readonly string[]
  readonly values: readonly TracedValue[]
}

export interface TracedValue {
  readonly variable: string
  /** After the transformations. */
  readonly valueLatin1: string
  readonly isMatch: boolean
}

/**
 * What a rule sees in a transaction as it stands, without effects: for explanations, so nothing is kept
 * and nothing gated. Variables that rules changed since have their newest values.
 */
export function traceRule(transaction: Transaction, rule: CompiledRule): LinkTrace[] {
  return rule.links.map((link) => traceLink(transaction, rule, link))
}

function traceLink(transaction: Transaction, rule: CompiledRule, link: CompiledLink): LinkTrace {
  const resolved = new ResolvedTargets()
  resolveTargets(transaction, link.targets, resolved, rule.index)
  const values: TracedValue[] = []
  for (let at = 0; at < resolved.length; at += 1) {
    const entry = resolved.entries[at]
    for (const pipeline of link.pipelines) {
      if (values.length >= MAX_TRACED_VALUES) break
      const valueLatin1 = transformThrough(entry.value, pipeline)
      const { collection, count } = link.targets.parts[resolved.partOf(at)]
      const variable = variableName(collection.name, count, entry)
      values.push({ variable, valueLatin1, isMatch: matches(transaction, link, valueLatin1) })
    }
  }
  const transformations = link.pipelines[link.pipelines.length - 1].names
  return { targets: link.targets.text, transformations, values }
}

function matches(transaction: Transaction, link: CompiledLink, text: string): boolean {
  const { test } = link
  switch (test.kind) {
    case 'always':
      return true
    case 'static':
      return test.predicate.operator.match(text, null) !== test.predicate.negated
    case 'dynamic':
      return test.operator.match(text, test.argument.expand(transaction), null) !== test.negated
  }
}
