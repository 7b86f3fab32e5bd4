import { ANY_VALUE, type Gate } from '#signatures/pcre/gate.ts'
import { PLAIN_BYTES } from '#signatures/pcre/restrict.ts'
import { ByteKinds } from './byte-kinds.ts'
import { SCAN_BYTES, ScanText } from '#inspectors/matching/gram-filter.ts'
import { GateTable } from './gate-table.ts'
import { LiteralClauses, type PredicateRequirement } from './literal-clauses.ts'
import type { Predicate } from './predicate.ts'
import { TRIGGERS_OF_ALL, TRIGGERS_OF_BYTE } from './trigger-masks.ts'

/** Bit of what is known of a kind of byte beside its triggers. */
const NOT_PLAIN = 1 << 31

/** Views of more predicates with literals look for those of all: they would be built for each chain anew. */
const MAX_OWN_LITERALS = 8

/** Gates of those predicates that somebody is interested in. Made by `GateIndex.view`. */
export interface GateView {
  readonly wanted: Int32Array
  /** For plain texts, of which much less is to be feared. */
  readonly plain: GateTable
  readonly other: GateTable
}

/** Which predicates a text could satisfy. */
export class GateIndex {
  /** Words of 32 predicates. */
  readonly words: number
  readonly #predicates: readonly Predicate[]
  readonly #plain: readonly (Gate | null)[]
  readonly #other: readonly (Gate | null)[]
  readonly #kinds: ByteKinds
  /** By kind: triggers of its bytes, and whether they are plain. */
  readonly #traits: Int32Array
  readonly #views = new Map<string, GateView>()
  readonly #plainLiterals: LiteralClauses
  readonly #otherLiterals: LiteralClauses
  readonly #scanText = new ScanText()
  #text = ''
  #isPlain = true

  constructor(predicates: readonly Predicate[]) {
    this.words = Math.max(1, Math.ceil(predicates.length / 32))
    this.#predicates = predicates
    this.#plain = predicates.map(plainGate)
    this.#other = predicates.map(({ operator }) => operator.gate ?? ANY_VALUE)
    this.#plainLiterals = this.#allLiterals(this.#plain)
    this.#otherLiterals = this.#allLiterals(this.#other)
    const masks = [...this.#plain, ...this.#other].flatMap((gate) => gate?.byteMasks ?? [])
    const distinct = [...new Map(masks.map((mask) => [mask.join(), mask])).values()]
    this.#kinds = new ByteKinds((byte) => {
      const has = distinct.map((mask) => ((mask[byte >> 5] & (1 << (byte & 31))) === 0 ? 0 : 1))
      return `${traitsOf(byte)} ${has.join('')}`
    })
    this.#traits = this.#kinds.perKind(traitsOf)
  }

  #allLiterals(gates: readonly (Gate | null)[]): LiteralClauses {
    return new LiteralClauses(
      this.#predicates.flatMap(({ index, negated }): readonly PredicateRequirement[] => {
        const requirement = gates[index]?.requirement ?? null
        return negated || requirement === null ? [] : [[index, requirement]]
      }),
    )
  }

  /** The gates of some predicates. Equal sets share theirs. */
  view(wanted: Int32Array): GateView {
    const key = wanted.join()
    const known = this.#views.get(key)
    if (known !== undefined) return known
    const view = {
      wanted,
      plain: this.#table(this.#plain, this.#plainLiterals, wanted),
      other: this.#table(this.#other, this.#otherLiterals, wanted),
    }
    this.#views.set(key, view)
    return view
  }

  #table(gates: readonly (Gate | null)[], all: LiteralClauses, wanted: Int32Array): GateTable {
    return new GateTable(this.#predicates, gates, wanted, this.#kinds, (requirements) =>
      requirements.length > MAX_OWN_LITERALS ? all : new LiteralClauses(requirements),
    )
  }

  /** The text that was scanned last. */
  get scanned(): string {
    return this.#text
  }

  /** Reads a text. @returns which transformations could change it: bits of trigger-masks.ts, never 0 */
  scan(textLatin1: string): number {
    const kinds = this.#kinds
    const scanText = this.#scanText
    this.#text = textLatin1
    kinds.clear()
    if (textLatin1.length <= SCAN_BYTES) {
      scanText.length = scanText.bytes.write(textLatin1, 0, 'latin1')
      kinds.add(scanText.bytes, scanText.length)
    } else {
      for (let at = 0; at < textLatin1.length; at += SCAN_BYTES) {
        const piece = textLatin1.slice(at, at + SCAN_BYTES)
        kinds.add(scanText.bytes, scanText.bytes.write(piece, 0, 'latin1'))
      }
    }
    let traits = TRIGGERS_OF_ALL
    for (let index = 0; index < kinds.count; index += 1) traits |= this.#traits[kinds.found[index]]
    this.#isPlain = (traits & NOT_PLAIN) === 0
    return traits & ~NOT_PLAIN
  }

  /**
   * Sets the bits of all predicates of a view that the text that was scanned last could satisfy.
   *
   * @param into words, written over
   */
  mark(view: GateView, into: Int32Array): void {
    const table = this.#isPlain ? view.plain : view.other
    const text = this.#text
    table.mark(text, this.#kinds, this.#scanText, text.length <= SCAN_BYTES, into)
  }
}

function traitsOf(byte: number): number {
  const isPlain = (PLAIN_BYTES[byte >> 5] & (1 << (byte & 31))) !== 0
  return TRIGGERS_OF_BYTE[byte] | (isPlain ? 0 : NOT_PLAIN)
}

function plainGate({ operator }: Predicate): Gate | null {
  const { gate } = operator
  if (gate === null) return ANY_VALUE
  return gate.plain === undefined ? gate : gate.plain
}
