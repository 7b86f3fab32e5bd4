import type { Entry } from '../values/entry.ts'
import { MAX_KEPT_TEXT_BYTES } from '../values/kept-texts.ts'
import type { Interest } from '../values/interest.ts'
import type { TextFacts } from '../values/text-facts.ts'

/** Places of a variable of which the value is remembered. */
const MAX_PLACES = 32

/** The value that stood last at some place of a variable. */
class RecentValue {
  name = ''
  /** What is asked of values of this name; null: nothing. */
  interest: Interest | null = null
  /** Null: not looked up yet. */
  facts: TextFacts | null = null
}

/**
 * The values that a variable had last, by their place. Clients send the same header fields in the same order,
 * and to compare a value with the one before is cheaper than to look it up.
 */
export class RecentValues {
  readonly #byName: ReadonlyMap<string, Interest | null>
  readonly #otherwise: Interest | null
  readonly #places: RecentValue[]
  readonly #beyond = new RecentValue()

  /**
   * @param byName by name in lower case
   * @param otherwise for all other names; null: nothing is asked of them
   */
  constructor(byName: ReadonlyMap<string, Interest | null>, otherwise: Interest | null) {
    this.#byName = byName
    this.#otherwise = otherwise
    this.#places = Array.from({ length: MAX_PLACES }, () => this.#begun(new RecentValue(), ''))
    this.#begun(this.#beyond, '')
  }

  /** What is known of a value that stands at a place. `facts` are for the caller to fill in. */
  at({ nameLower, value, facts }: Entry, place: number): RecentValue {
    const isShort = value.length <= MAX_KEPT_TEXT_BYTES
    const recent = place < MAX_PLACES && isShort ? this.#places[place] : this.#beyond
    if (recent.name !== nameLower) this.#begun(recent, nameLower)
    if (facts !== null) recent.facts = facts
    else if (recent.facts !== null && recent.facts.text !== value) recent.facts = null
    return recent
  }

  /** What is asked of values of a name, in lower case; null: nothing. */
  interestOf(name: string): Interest | null {
    const known = this.#byName.get(name)
    return known === undefined ? this.#otherwise : known
  }

  #begun(recent: RecentValue, name: string): RecentValue {
    recent.name = name
    recent.interest = this.interestOf(name)
    recent.facts = null
    return recent
  }
}
