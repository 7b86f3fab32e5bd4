import { Entry, NO_ENTRIES } from '../values/entry.ts'
import type { Transaction } from './transaction.ts'

export type Collect = (transaction: Transaction) => readonly Entry[]
export type CollectionSource = Readonly<Record<string, Collect>>

/** The one value of a scalar; null gives none. */
export function scalar(value: string | null): readonly Entry[] {
  return value === null ? NO_ENTRIES : [new Entry('', value, '')]
}

/** A collection whose values are the names of another's. */
export function namesOf(entries: readonly Entry[]): readonly Entry[] {
  return entries.length === 0
    ? NO_ENTRIES
    : entries.map(({ name, nameLower }) => new Entry(name, name, nameLower))
}

export function flag(value: boolean): readonly Entry[] {
  return scalar(value ? '1' : '0')
}
