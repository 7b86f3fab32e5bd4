import type { Phase, Rule, RuleSetEntry } from '#signatures/seclang/model.ts'

/**
 * Where evaluation goes on after each rule has matched: the next rule of its phase, or where `skip` and
 * `skipAfter` lead, as a position among the rules of the phase. Rules keep the order of the files.
 *
 * @returns positions by the rule's place among all rules
 */
export function resolveJumps(entries: readonly RuleSetEntry[]): number[] {
  const sizes = new Map<Phase, number>()
  const positions: { rule: Rule; position: number; entry: number }[] = []
  /** Places of a marker (or of a rule, by its id): entry index and phase sizes up to it. */
  const places = new Map<string, { entry: number; sizes: ReadonlyMap<Phase, number> }[]>()
  const mark = (name: string, entry: number): void => {
    const place = { entry, sizes: new Map(sizes) }
    const known = places.get(name)
    if (known === undefined) places.set(name, [place])
    else known.push(place)
  }
  const wanted = new Set<string>()
  for (const entry of entries) {
    if (entry.kind !== 'rule') continue
    for (const link of entry.rule.links) {
      if (link.actions.skipAfter !== null) wanted.add(link.actions.skipAfter)
    }
  }
  for (const [index, entry] of entries.entries()) {
    if (entry.kind === 'marker') {
      mark(entry.name, index)
      continue
    }
    const { rule } = entry
    const position = sizes.get(rule.phase) ?? 0
    positions.push({ rule, position, entry: index })
    sizes.set(rule.phase, position + 1)
    if (wanted.has(String(rule.id))) mark(String(rule.id), index)
  }
  return positions.map(({ rule, position, entry }) => {
    const last = sizes.get(rule.phase) ?? 0
    const skipAfter = rule.links.find((link) => link.actions.skipAfter !== null)
    if (skipAfter !== undefined) {
      const candidates = places.get(skipAfter.actions.skipAfter!) ?? []
      const place = candidates.find((one) => one.entry > entry)
      return place === undefined ? last : (place.sizes.get(rule.phase) ?? 0)
    }
    const skip = rule.links.find((link) => link.actions.skip !== null)?.actions.skip ?? 0
    return Math.min(last, position + 1 + skip)
  })
}
