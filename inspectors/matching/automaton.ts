/**
 * A multi-pattern matcher: finds which of many byte strings occur in a value, in one pass.
 * Built by `buildAutomaton` (aho-corasick.ts).
 */
export interface Automaton {
  readonly patternCount: number
  /**
   * Marks every pattern that occurs in the value.
   *
   * @param valueLatin1 value, one character per byte
   * @param found bitset that grows, `patternCount` bits at least: bit `id & 31` of word `id >> 5`
   * @returns patterns newly marked
   */
  markString(valueLatin1: string, found: Uint32Array): number
  /**
   * Finds the match that `@pm` reports: the one that ends first and, of those, the longest.
   *
   * @returns pattern id, or -1; `lastEnd` then holds the offset after its last byte
   */
  firstInString(valueLatin1: string): number
  readonly lastEnd: number
}

/** What the automaton looks for. Ids are indices of the array it was built from. */
export interface AutomatonOptions {
  /** ASCII letters of patterns and values are equal in both cases. */
  readonly ignoreCase: boolean
}
