import { type Entry, NO_ENTRIES } from '../values/entry.ts'
import { BODY_COLLECTIONS } from './body-collections.ts'
import type { Collect, CollectionSource } from './collection.ts'
import { MESSAGE_COLLECTIONS } from './message-collections.ts'
import { STATE_COLLECTIONS } from './state-collections.ts'
import type { Transaction } from './transaction.ts'

/** A variable of SecLang as the engine reads it. */
export interface Collection {
  readonly id: number
  readonly name: string
  /** Rules may change it while a phase runs, so it is read afresh each time. */
  readonly isVolatile: boolean
  readonly collect: Collect
}

const collections = new Map<string, Collection>()

function register(source: CollectionSource, isVolatile: boolean): void {
  for (const [name, collect] of Object.entries(source)) {
    collections.set(name, { id: collections.size, name, isVolatile, collect })
  }
}

register(MESSAGE_COLLECTIONS, false)
register(BODY_COLLECTIONS, false)
register(STATE_COLLECTIONS, true)

const requestBodyIds = idsOf(Object.keys(BODY_COLLECTIONS))
const responseIds = idsOf([...collections.keys()].filter((name) => name.startsWith('RESPONSE_')))

function idsOf(names: readonly string[]): readonly number[] {
  return names.flatMap((name) => collections.get(name)?.id ?? [])
}

/** To be called when a request body was read: variables that follow from it are built anew. */
export function forgetBody(transaction: Transaction): void {
  for (const id of requestBodyIds) transaction.lists[id] = undefined
}

/** To be called when more of the response is known. */
export function forgetResponse(transaction: Transaction): void {
  for (const id of responseIds) transaction.lists[id] = undefined
}

const EMPTY: Collection = {
  id: collections.size,
  name: '',
  isVolatile: false,
  collect: () => NO_ENTRIES,
}

/** The collection of a canonical name; names that never have a value here give an empty one. */
export function collectionNamed(name: string): Collection {
  const known = collections.get(name)
  return known ?? { ...EMPTY, name }
}

/** Names that have a source; for the test that the parser's list and this one agree. */
export function collectionNames(): string[] {
  return [...collections.keys()]
}

/** Values of a collection in this transaction. */
export function valuesOf(transaction: Transaction, collection: Collection): readonly Entry[] {
  if (collection.isVolatile) return collection.collect(transaction)
  const known = transaction.lists[collection.id]
  if (known !== undefined) return known
  const entries = collection.collect(transaction)
  transaction.lists[collection.id] = entries
  return entries
}
