/**
 * What a value must look like for a matcher to have any chance with it. A gate may let a value through
 * that does not match (the matcher then says no); it never stops one that does. `test/signatures/pcre`
 * proves that by comparing gated with ungated matching on random patterns and values.
 */
export interface Gate {
  /** Every set must be met, each by any one of its literals. Null: nothing is known. */
  readonly requirement: Requirement | null
  /** Every mask must share a byte with the value. Most selective first; empty: nothing is known. */
  readonly byteMasks: readonly ByteSet[]
  /** Fewest bytes that can match. */
  readonly minLength: number
  /** Most bytes that can match; absent: any number. */
  readonly maxLength?: number
  /** What plain values must look like (restrict.ts). Null: none matches; absent: the same as all others. */
  readonly plain?: Gate | null
}

/** AND of OR: see `Gate.requirement`. Never empty. */
export type Requirement = readonly LiteralSet[]

/** Any one of these must occur in the value. Never empty; no literal is a substring of another. */
export type LiteralSet = readonly Literal[]

export interface Literal {
  /** latin1; in ASCII lower case when `ignoreCase`. */
  readonly text: string
  readonly ignoreCase: boolean
}

/** 256 bits, eight words: bit `b & 31` of word `b >> 5` stands for byte `b`. */
export type ByteSet = Uint32Array

export const ANY_VALUE: Gate = { requirement: null, byteMasks: [], minLength: 0 }

/** True when the two sets share a byte. */
export function intersects(left: ByteSet, right: ByteSet): boolean {
  return (
    ((left[0] & right[0]) |
      (left[1] & right[1]) |
      (left[2] & right[2]) |
      (left[3] & right[3]) |
      (left[4] & right[4]) |
      (left[5] & right[5]) |
      (left[6] & right[6]) |
      (left[7] & right[7])) !==
    0
  )
}
