import { ANY_VALUE, type Gate } from '#signatures/pcre/gate.ts'
import { PLAIN_BYTES } from '#signatures/pcre/restrict.ts'
import { ByteSamples } from './byte-samples.ts'
import { SCAN_BYTES, ScanText } from '#inspectors/matching/gram-filter.ts'
import { GateTable } from './gate-table.ts'
import { LiteralClauses, type PredicateRequirement } from './literal-clauses.ts'
import type { Predicate } from './predicate.ts'
import { TRIGGERS_OF_ALL, TRIGGERS_OF_BYTE } from './trigger-masks.ts'

/** Bit of what is known of a byte beside its triggers. */
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
  readonly #samples = new ByteSamples()
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
    return new GateTable(this.#predicates, gates, wanted, (requirements) =>
      requirements.length > MAX_OWN_LITERALS ? all : new LiteralClauses(requirements),
    )
  }

  /** The text that was scanned last. */
  get scanned(): string {
    return this.#text
  }

  /** Reads a text. @returns which transformations could change it: bits of trigger-masks.ts, never 0 */
  scan(textLatin1: string): number {
    const samples = this.#samples
    const scanText = this.#scanText
    this.#text = textLatin1
    if (textLatin1.length <= SCAN_BYTES) {
      scanText.length = scanText.bytes.write(textLatin1, 0, 'latin1')
      samples.take(scanText.bytes, scanText.length)
    } else {
      samples.begin()
      for (let at = 0; at < textLatin1.length; at += SCAN_BYTES) {
        const piece = textLatin1.slice(at, at + SCAN_BYTES)
        samples.add(scanText.bytes, scanText.bytes.write(piece, 0, 'latin1'))
      }
      samples.end()
    }
    const { bytes, count } = samples
    let traits = TRIGGERS_OF_ALL
    for (let index = 0; index < count; index += 1) traits |= TRAITS_OF_BYTE[bytes[index]]
    this.#isPlain = (traits & NOT_PLAIN) === 0
    return traits & ~NOT_PLAIN
  }

  /**
   * Finds the predicates of a view that the text that was scanned last could satisfy.
   *
   * @returns where they are, the first `count`
   */
  candidates(view: GateView): GateTable {
    const table = this.#isPlain ? view.plain : view.other
    const text = this.#text
    table.collect(text, this.#samples, this.#scanText, text.length <= SCAN_BYTES)
    return table
  }
}

const TRAITS_OF_BYTE = Int32Array.from({ length: 256 }, (_, byte) => {
  const isPlain = (PLAIN_BYTES[byte >> 5] & (1 << (byte & 31))) !== 0
  return TRIGGERS_OF_BYTE[byte] | (isPlain ? 0 : NOT_PLAIN)
})

function plainGate({ operator }: Predicate): Gate | null {
  const { gate } = operator
  if (gate === null) return ANY_VALUE
  return gate.plain === undefined ? gate : gate.plain
}
