import type { Entry } from '../values/entry.ts'

/** A variable that a rule matched. Its name is made when somebody asks, which is seldom. */
export class MatchedVariable {
  /** After the rule's transformations. */
  readonly value: string
  readonly #collection: string
  readonly #count: boolean
  readonly #entry: Entry

  constructor(collection: string, count: boolean, entry: Entry, value: string) {
    this.#collection = collection
    this.#count = count
    this.#entry = entry
    this.value = value
  }

  /** As ModSecurity writes it: `ARGS:id`, `&ARGS`, `TX:score`. */
  get name(): string {
    return variableName(this.#collection, this.#count, this.#entry)
  }
}

/** Name of a variable as ModSecurity writes it. @param count the number of its values is meant */
export function variableName(collection: string, count: boolean, entry: Entry): string {
  // The entries of these collections are named after whole variables.
  if (collection.startsWith('MATCHED_VARS') && !count) return entry.name
  const name = entry.name === '' ? collection : `${collection}:${entry.name}`
  return count ? `&${name}` : name
}
