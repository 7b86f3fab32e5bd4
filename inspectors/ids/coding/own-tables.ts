/**
 * Tables of blocks that bring their own codes. One set serves all inflaters, as making one costs more than writing it:
 * who is interrupted within a block keeps the lengths of its codes, and writes the tables again when others took them.
 */
import {
  codeTable,
  DISTANCE_SYMBOLS,
  distanceTable,
  LITERAL_SYMBOLS,
  literalTable,
} from './deflate-codes.ts'

export const CODES = codeTable()
export const LITERALS = literalTable()
export const DISTANCES = distanceTable()
/** Scratch: code lengths of both alphabets, one behind the other. */
export const lengths = new Uint8Array(LITERAL_SYMBOLS + DISTANCE_SYMBOLS)

/** Code lengths of a block. */
export interface OwnLengths {
  readonly lengths: Uint8Array
  readonly literals: number
  readonly distances: number
}

/** Whose codes the tables hold. */
let owner: object | null = null

/** Writes the tables. @returns false: these are no lengths of codes */
export function writeTables(by: object, of: OwnLengths): boolean {
  owner = by
  return (
    LITERALS.build(of.lengths, 0, of.literals) &&
    DISTANCES.build(of.lengths, of.literals, of.literals + of.distances)
  )
}

/** The tables hold what this one wrote last. */
export function holdsTablesOf(by: object): boolean {
  return owner === by
}
