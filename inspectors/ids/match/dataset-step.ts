import type { DatasetStep } from '../program/steps.ts'
import type { Dataset } from '../state/dataset.ts'
import type { Subject } from './subject.ts'

/** What a rule does to a set when it matches. */
export interface SetChange {
  readonly set: Dataset
  readonly value: string
  readonly operation: 'set' | 'unset'
}

/** What the steps of a rule leave for when all of it matches. */
interface Notes {
  readonly setChanges: SetChange[]
  context: Record<string, unknown> | null
}

/**
 * Whether the whole buffer is in the set as the step wants it. A value that is to be put there must not be there
 * yet, one that is to be taken out must.
 */
export function datasetHolds({ match, set }: DatasetStep, subject: Subject, notes: Notes): boolean {
  if (subject.base > 0) return false
  const value = subject.text
  const entry = set.find(value)
  if (match.kind === 'datarep') {
    if (entry === null) return false
    const { reputation } = entry
    if (match.comparison === '>') return reputation > match.value
    return match.comparison === '<' ? reputation < match.value : reputation === match.value
  }
  const { operation, contextKey } = match
  if ((operation === 'isset' || operation === 'unset') !== (entry !== null)) return false
  if (operation === 'set' || operation === 'unset') notes.setChanges.push({ set, value, operation })
  if (entry !== null && entry.context !== null && contextKey !== null)
    notes.context = { ...notes.context, [contextKey]: entry.context }
  return true
}

/** @returns false when a set has no room: the rule does not match then */
export function applySetChanges(changes: readonly SetChange[]): boolean {
  for (const { set, value, operation } of changes)
    if (operation === 'unset') set.remove(value)
    else if (!set.add(value)) return false
  return true
}
