import type { CompiledLink, CompiledRule, Group } from './program.ts'

/** Groups of the rules that are gated, and for each rule its group (by `CompiledRule.index`). */
export interface Groups {
  readonly groups: readonly Group[]
  readonly ofRule: ReadonlyMap<number, Group>
}

interface Draft {
  readonly link: CompiledLink
  readonly rules: number[]
  readonly predicates: number[]
}

/**
 * Puts rules that look at the same values through the same transformations together. Only a rule whose
 * first link has a fixed predicate over values that do not change while a phase runs can be gated.
 *
 * @param words of 32 predicates
 */
export function groupRules(rules: readonly CompiledRule[], words: number): Groups {
  const drafts = new Map<string, Draft>()
  for (const rule of rules) {
    const [link] = rule.links
    if (link === undefined || link.test.kind !== 'static' || link.targets.isVolatile) continue
    const pipelines = link.pipelines.map((pipeline) => pipeline.index).join()
    const key = `${link.targets.index}:${pipelines}`
    const draft = drafts.get(key) ?? { link, rules: [], predicates: [] }
    drafts.set(key, draft)
    draft.rules.push(rule.index)
    draft.predicates.push(link.test.predicate.index)
  }
  const ordered = [...drafts.values()].sort(
    (left, right) => left.link.targets.index - right.link.targets.index,
  )
  const ofRule = new Map<number, Group>()
  const groups = ordered.map((draft, index): Group => {
    const { targets, pipelines } = draft.link
    const masks = new Map<number, number>()
    for (const predicate of draft.predicates) {
      const word = predicate >> 5
      masks.set(word, (masks.get(word) ?? 0) | (1 << (predicate & 31)))
    }
    const group: Group = {
      index,
      targets,
      pipelines,
      words: Int32Array.from(masks.keys()),
      masks: Int32Array.from(masks.values()),
      predicates: Int32Array.from({ length: words }, (_, word) => masks.get(word) ?? 0),
    }
    for (const rule of draft.rules) ofRule.set(rule, group)
    return group
  })
  return {
    groups,
    ofRule,
  }
}
