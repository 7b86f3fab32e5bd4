import type { Interest } from './interest.ts'
import type { TextFacts } from './text-facts.ts'

/** One value of a collection. */
export class Entry {
  /** Key as sent; empty for scalars. */
  readonly name: string
  readonly nameLower: string
  readonly value: string
  /** Filled in when a gated rule looks at the value. */
  facts: TextFacts | null = null
  /** Nothing that is of interest matches the value; null: not known. */
  quietFor: Interest | null = null

  constructor(name: string, value: string, nameLower = name.toLowerCase()) {
    this.name = name
    this.nameLower = nameLower
    this.value = value
  }
}

export const NO_ENTRIES: readonly Entry[] = []
