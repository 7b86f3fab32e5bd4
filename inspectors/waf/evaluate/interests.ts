import type { Program, TargetPart } from '../compile/program.ts'
import type { Collection } from '../transaction/collections.ts'
import type { Interest } from '../values/interest.ts'
import type { CompiledSelector } from '../values/selector.ts'
import type { TextGroups } from './text-groups.ts'

type XPath = Extract<CompiledSelector, { kind: 'xpath' }>

/** Where a phase finds values, and what its rules, or those of other phases, want to know of them. */
export interface InterestSource {
  readonly collection: Collection
  /** Null: the collection's own values. */
  readonly path: XPath | null
  /** For values with no name of their own below; null: nothing. */
  readonly interest: Interest | null
  /** By name in lower case; null: rules tell no names apart. */
  readonly byName: ReadonlyMap<string, Interest | null> | null
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
  const drafts = new Map<string, { collection: Collection; path: XPath | null; used: boolean }>()
  for (const group of program.groups) {
    for (const part of group.targets.parts) {
      const { collection, selector } = part
      const path = selector.kind === 'xpath' ? selector : null
      const key = `${collection.id} ${path?.path ?? ''}`
      const draft = drafts.get(key) ?? { collection, path, used: false }
      if (inPhase.has(group.index)) draft.used = true
      drafts.set(key, draft)
    }
  }
  return [...drafts.values()]
    .filter(({ used }) => used)
    .map(({ collection, path }) => {
      const parts = program.groups.flatMap((group) =>
        group.targets.parts.flatMap((part) =>
          part.collection.id === collection.id && pathOf(part) === (path?.path ?? null)
            ? { group, part }
            : [],
        ),
      )
      const names = new Set(parts.flatMap(({ part }) => namesIn(part)))
      const interestOf = (name: string | null): Interest | null =>
        texts.interestIn(parts.flatMap((one) => (mayHold(one.part, name) ? one.group : [])))
      const byName = new Map([...names].map((name) => [name, interestOf(name)] as const))
      return {
        collection,
        path,
        interest: interestOf(null),
        byName: names.size === 0 ? null : byName,
      }
    })
}

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
