import { complement } from '#signatures/pcre/byte-set.ts'
import { ANY_VALUE, type ByteSet, type Gate, intersects } from '#signatures/pcre/gate.ts'
import { PLAIN_BYTES } from '#signatures/pcre/restrict.ts'
import { buildAutomaton } from '#inspectors/matching/aho-corasick.ts'
import type { Automaton } from '#inspectors/matching/automaton.ts'
import type { Predicate } from './predicate.ts'

const NOT_PLAIN = complement(PLAIN_BYTES)

/** Which predicates a text could satisfy: one table for plain texts, of which much less is to be feared. */
export class GateIndex {
  /** Words of 32 predicates. */
  readonly words: number
  /** Words of a text before it was looked at, and as many for what is known of it. */
  readonly initialBits: readonly number[]
  readonly #plain: GateTable
  readonly #other: GateTable

  constructor(predicates: readonly Predicate[]) {
    this.words = Math.max(1, Math.ceil(predicates.length / 32))
    this.initialBits = Array.from({ length: 2 * this.words }, () => 0)
    this.#plain = new GateTable(predicates, plainGate)
    this.#other = new GateTable(predicates, ({ operator }) => operator.gate ?? ANY_VALUE)
  }

  /**
   * Sets the bits of all predicates that the text could satisfy.
   *
   * @param bytes the bytes that occur in the text (`collectBytes`)
   * @param into words of the text, a copy of `initialBits`
   */
  mark(textLatin1: string, bytes: ByteSet, into: number[]): void {
    const table = intersects(bytes, NOT_PLAIN) ? this.#other : this.#plain
    table.mark(textLatin1, bytes, into)
  }
}

function plainGate({ operator }: Predicate): Gate | null {
  const { gate } = operator
  if (gate === null) return ANY_VALUE
  return gate.plain === undefined ? gate : gate.plain
}

/**
 * Which predicates a text could satisfy, decided for all of them in one pass.
 *
 * A gate is an AND of clauses (each an OR of literals), byte masks and a length. All literals of all
 * predicates are in one automaton, folded to lower case (a literal that is case-sensitive may then let
 * through a text that it need not: a gate may err on that side only). Each literal knows the clauses
 * it meets; a predicate whose clauses are all met, whose masks share a byte with the text and whose
 * length is reached becomes a candidate. Predicates without literals are tried by mask alone; those
 * without any gate, and negated ones, are candidates always.
 *
 * Cost: the automaton's pass, plus work per literal that occurs, plus one test per distinct mask of the
 * predicates without literals. The naive twin is to make everything a candidate (`gate: 'off'`).
 */
class GateTable {
  /** What has no gate is always a candidate. */
  readonly #ungated: Int32Array
  readonly #automaton: Automaton | null
  /** Clauses per literal, flat: those of literal `i` are at `[starts[i], starts[i + 1])`. */
  readonly #clauseStarts: Int32Array
  readonly #clauses: Int32Array
  readonly #clausePredicate: Int32Array
  readonly #clauseStamp: Int32Array
  readonly #predicateClauses: Int32Array
  readonly #predicateMet: Int32Array
  readonly #predicateStamp: Int32Array
  readonly #masks: readonly (readonly ByteSet[])[]
  readonly #minLength: Int32Array
  /** Predicates without literals, by the mask that decides first. */
  readonly #maskGroups: readonly Int32Array[]
  /** Per byte, `#maskWords` words: the mask groups whose mask holds it. */
  readonly #groupsOfByte: Int32Array
  readonly #maskWords: number
  readonly #hitGroups: Int32Array
  readonly #lengthOnly: Int32Array
  readonly #found: Uint32Array
  #stamp = 0

  /** @param gateOf what a text must look like for a predicate; null: none satisfies it */
  constructor(predicates: readonly Predicate[], gateOf: (predicate: Predicate) => Gate | null) {
    const ungated = new Int32Array(Math.max(1, Math.ceil(predicates.length / 32)))
    this.#ungated = ungated
    const literals = new Map<string, number[]>()
    const clausePredicate: number[] = []
    const predicateClauses = new Int32Array(predicates.length)
    const maskGroups = new Map<string, { mask: ByteSet; members: number[] }>()
    const lengthOnly: number[] = []
    this.#minLength = new Int32Array(predicates.length)
    const gates = predicates.map(gateOf)
    this.#masks = gates.map((gate) => gate?.byteMasks ?? [])
    for (const { index, negated } of predicates) {
      const gate = gates[index]
      if (negated) ungated[index >> 5] |= 1 << (index & 31)
      if (negated || gate === null) continue
      this.#minLength[index] = gate.minLength
      if (gate.requirement !== null) {
        for (const clause of gate.requirement) {
          const id = clausePredicate.push(index) - 1
          predicateClauses[index] += 1
          for (const text of new Set(clause.map((literal) => foldAscii(literal.text)))) {
            const clauses = literals.get(text)
            if (clauses === undefined) literals.set(text, [id])
            else clauses.push(id)
          }
        }
        continue
      }
      const [mask] = gate.byteMasks
      if (mask === undefined) {
        if (gate.minLength > 0) lengthOnly.push(index)
        else ungated[index >> 5] |= 1 << (index & 31)
        continue
      }
      const key = mask.join()
      const group = maskGroups.get(key)
      if (group === undefined) maskGroups.set(key, { mask, members: [index] })
      else group.members.push(index)
    }
    const texts = [...literals.keys()]
    this.#automaton = texts.length === 0 ? null : buildAutomaton(texts, { ignoreCase: true })
    this.#found = new Uint32Array(Math.ceil(texts.length / 32))
    const lists = [...literals.values()]
    this.#clauseStarts = new Int32Array(texts.length + 1)
    for (const [id, list] of lists.entries()) {
      this.#clauseStarts[id + 1] = this.#clauseStarts[id] + list.length
    }
    this.#clauses = Int32Array.from(lists.flat())
    this.#clausePredicate = Int32Array.from(clausePredicate)
    this.#clauseStamp = new Int32Array(clausePredicate.length)
    this.#predicateClauses = predicateClauses
    this.#predicateMet = new Int32Array(predicates.length)
    this.#predicateStamp = new Int32Array(predicates.length)
    const masks = [...maskGroups.values()]
    this.#maskGroups = masks.map(({ members }) => Int32Array.from(members))
    this.#maskWords = Math.ceil(masks.length / 32)
    this.#hitGroups = new Int32Array(this.#maskWords)
    this.#groupsOfByte = new Int32Array(256 * this.#maskWords)
    for (const [index, { mask }] of masks.entries()) {
      for (let byte = 0; byte < 256; byte += 1) {
        if ((mask[byte >> 5] & (1 << (byte & 31))) === 0) continue
        this.#groupsOfByte[byte * this.#maskWords + (index >> 5)] |= 1 << (index & 31)
      }
    }
    this.#lengthOnly = Int32Array.from(lengthOnly)
  }

  mark(textLatin1: string, bytes: ByteSet, into: number[]): void {
    const { length } = textLatin1
    for (let word = 0; word < this.#ungated.length; word += 1) into[word] |= this.#ungated[word]
    if (length > 0) this.#markLiterals(textLatin1, bytes, into)
    this.#markMasks(length, bytes, into)
    for (let index = 0; index < this.#lengthOnly.length; index += 1) {
      this.#propose(this.#lengthOnly[index], length, bytes, into)
    }
  }

  #markMasks(length: number, bytes: ByteSet, into: number[]): void {
    const hit = this.#hitGroups
    const width = this.#maskWords
    hit.fill(0)
    for (let word = 0; word < 8; word += 1) {
      let bits: number = bytes[word]
      while (bits !== 0) {
        const low = bits & -bits
        bits ^= low
        const from = ((word << 5) + 31 - Math.clz32(low)) * width
        for (let at = 0; at < width; at += 1) hit[at] |= this.#groupsOfByte[from + at]
      }
    }
    for (let word = 0; word < width; word += 1) {
      let bits = hit[word]
      while (bits !== 0) {
        const low = bits & -bits
        bits ^= low
        const members = this.#maskGroups[(word << 5) + 31 - Math.clz32(low)]
        for (let at = 0; at < members.length; at += 1) {
          this.#propose(members[at], length, bytes, into)
        }
      }
    }
  }

  #markLiterals(textLatin1: string, bytes: ByteSet, into: number[]): void {
    const found = this.#found
    if (this.#automaton === null) return
    found.fill(0)
    if (this.#automaton.markString(textLatin1, found) === 0) return
    this.#stamp += 1
    const stamp = this.#stamp
    for (let word = 0; word < found.length; word += 1) {
      let bits = found[word]
      while (bits !== 0) {
        const low = bits & -bits
        bits ^= low
        const literal = (word << 5) + 31 - Math.clz32(low)
        const end = this.#clauseStarts[literal + 1]
        for (let at = this.#clauseStarts[literal]; at < end; at += 1) {
          const clause = this.#clauses[at]
          if (this.#clauseStamp[clause] === stamp) continue
          this.#clauseStamp[clause] = stamp
          const predicate = this.#clausePredicate[clause]
          if (this.#predicateStamp[predicate] !== stamp) {
            this.#predicateStamp[predicate] = stamp
            this.#predicateMet[predicate] = 0
          }
          const met = this.#predicateMet[predicate] + 1
          this.#predicateMet[predicate] = met
          if (met === this.#predicateClauses[predicate]) {
            this.#propose(predicate, textLatin1.length, bytes, into)
          }
        }
      }
    }
  }

  #propose(predicate: number, length: number, bytes: ByteSet, into: number[]): void {
    if (length < this.#minLength[predicate]) return
    const masks = this.#masks[predicate]
    for (let index = 0; index < masks.length; index += 1) {
      if (!intersects(masks[index], bytes)) return
    }
    into[predicate >> 5] |= 1 << (predicate & 31)
  }
}

function foldAscii(text: string): string {
  return text.replaceAll(/[A-Z]/g, (letter) => letter.toLowerCase())
}
