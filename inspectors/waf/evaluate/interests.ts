import type { Program, TargetPart } from '../compile/program.ts'
import type { Collection } from '../transaction/collections.ts'
import type { Interest } from '../values/interest.ts'
import type { CompiledSelector } from '../values/selector.ts'
import { RecentValues } from './recent-values.ts'
import type { TextGroups } from './text-groups.ts'

type XPath = Extract<CompiledSelector, { kind: 'xpath' }>

/** Where a phase finds values, and what its rules, or those of other phases, want to know of them. */
export interface InterestSource {
  readonly collection: Collection
  /** Null: the collection's own values. */
  readonly path: XPath | null
  /** Groups of the phase that look here. */
  readonly groups: Int32Array
  readonly recent: RecentValues
}

/**
 * The sources that some groups look at. A rule that selects `REQUEST_HEADERS:Accept` asks nothing of the other
 * headers, so each name that some rule spells out, or leaves out, has an interest of its own.
 *
 * @param ofPhase groups that have rules in the phase. Interests hold the groups of all phases: what was found
 *   out about a value in one is there for the next.
 */
export function interestSources(
  program: Program,
  texts: TextGroups,
  ofPhase: readonly number[],
): InterestSource[] {
  const inPhase = new Set(ofPhase)
  const drafts = new Map<string, Pick<InterestSource, 'collection' | 'path'>>()
  for (const { index, targets } of program.groups) {
    if (!inPhase.has(index)) continue
    for (const { collection, selector } of targets.parts) {
      const path = selector.kind === 'xpath' ? selector : null
      drafts.set(`${collection.id} ${path?.path ?? ''}`, { collection, path })
    }
  }
  return [...drafts.values()].map(({ collection, path }) => {
    const family = FAMILIES.find((names) => names.includes(collection.name)) ?? [collection.name]
    const parts = program.groups.flatMap((group) =>
      group.targets.parts.flatMap((part) =>
        family.includes(part.collection.name) && pathOf(part) === (path?.path ?? null)
          ? { group, part }
          : [],
      ),
    )
    const names = new Set(parts.flatMap(({ part }) => namesIn(part)))
    const interestOf = (name: string | null): Interest | null =>
      texts.interestIn(parts.flatMap((one) => (mayHold(one.part, name) ? one.group : [])))
    const byName = new Map([...names].map((name) => [name, interestOf(name)] as const))
    const own = parts.filter(
      ({ group, part }) => part.collection.name === collection.name && inPhase.has(group.index),
    )
    return {
      collection,
      path,
      groups: texts.setOf(own.map(({ group }) => group)),
      recent: new RecentValues(byName, interestOf(null)),
    }
  })
}

/** Variables that share values: what is asked of one is asked of all, so that each value is looked at once. */
const FAMILIES: readonly (readonly string[])[] = [
  ['ARGS', 'ARGS_GET', 'ARGS_POST'],
  ['ARGS_NAMES', 'ARGS_GET_NAMES', 'ARGS_POST_NAMES'],
  ['REQUEST_URI', 'REQUEST_URI_RAW'],
]

function pathOf({ selector }: TargetPart): string | null {
  return selector.kind === 'xpath' ? selector.path : null
}

function namesIn({ selector, exclusions }: TargetPart): string[] {
  return [selector, ...exclusions].flatMap((one) => (one.kind === 'name' ? one.nameLower : []))
}

/** @param name in lower case; null: one that no rule spells out */
function mayHold({ selector, exclusions }: TargetPart, name: string | null): boolean {
  if (selector.kind === 'name' && selector.nameLower !== name) return false
  return !exclusions.some((one) => one.kind === 'name' && one.nameLower === name)
}
