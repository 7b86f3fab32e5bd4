import { ANY_VALUE, type Gate, type Requirement } from '#signatures/pcre/gate.ts'
import { PLAIN_BYTES } from '#signatures/pcre/restrict.ts'
import { ByteKinds } from './byte-kinds.ts'
import { type Gates, GateTable } from './gate-table.ts'
import { LiteralClauses } from './literal-clauses.ts'
import type { Predicate } from './predicate.ts'
import { TRIGGERS_OF_ALL, TRIGGERS_OF_BYTE } from './trigger-masks.ts'

/** Bit of what is known of a kind of byte beside its triggers. */
const NOT_PLAIN = 1 << 31

const SCRATCH_BYTES = 4096
/** More than this is given back with the next text. */
const KEPT_BYTES = 262_144

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
  readonly #plain: Gates
  readonly #other: Gates
  readonly #kinds: ByteKinds
  /** By kind: triggers of its bytes, and whether they are plain. */
  readonly #traits: Int32Array
  readonly #views = new Map<string, GateView>()
  #bytes = Buffer.allocUnsafeSlow(SCRATCH_BYTES)
  #length = 0
  #isPlain = true

  constructor(predicates: readonly Predicate[]) {
    this.words = Math.max(1, Math.ceil(predicates.length / 32))
    this.#predicates = predicates
    this.#plain = gatesOf(predicates, plainGate)
    this.#other = gatesOf(predicates, ({ operator }) => operator.gate ?? ANY_VALUE)
    const masks = [...this.#plain.gates, ...this.#other.gates].flatMap(
      (gate) => gate?.byteMasks ?? [],
    )
    const distinct = [...new Map(masks.map((mask) => [mask.join(), mask])).values()]
    this.#kinds = new ByteKinds((byte) => {
      const has = distinct.map((mask) => ((mask[byte >> 5] & (1 << (byte & 31))) === 0 ? 0 : 1))
      return `${traitsOf(byte)} ${has.join('')}`
    })
    this.#traits = this.#kinds.perKind(traitsOf)
  }

  /** The gates of some predicates. Equal sets share theirs. */
  view(wanted: Int32Array): GateView {
    const key = wanted.join()
    const known = this.#views.get(key)
    if (known !== undefined) return known
    const view = {
      wanted,
      plain: new GateTable(this.#predicates, this.#plain, wanted, this.#kinds),
      other: new GateTable(this.#predicates, this.#other, wanted, this.#kinds),
    }
    this.#views.set(key, view)
    return view
  }

  /** Reads a text. @returns which transformations could change it: bits of trigger-masks.ts, never 0 */
  scan(textLatin1: string): number {
    const kinds = this.#kinds
    this.#read(textLatin1)
    kinds.scan(this.#bytes, this.#length)
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
    table.mark(this.#bytes, this.#length, this.#kinds, into)
  }

  /** A loop over bytes is several times as fast as one over the characters of a slice. */
  #read(textLatin1: string): void {
    const { length } = textLatin1
    if (length > this.#bytes.length || this.#bytes.length > KEPT_BYTES) {
      this.#bytes = Buffer.allocUnsafeSlow(Math.max(length, SCRATCH_BYTES))
    }
    this.#length = length
    this.#bytes.write(textLatin1, 0, length, 'latin1')
  }
}

function gatesOf(
  predicates: readonly Predicate[],
  gateOf: (predicate: Predicate) => Gate | null,
): Gates {
  const gates = predicates.map(gateOf)
  const requirements = predicates.flatMap(
    ({ index, negated }): readonly (readonly [number, Requirement])[] => {
      const requirement = gates[index]?.requirement ?? null
      return negated || requirement === null ? [] : [[index, requirement]]
    },
  )
  return { gates, literals: requirements.length === 0 ? null : new LiteralClauses(requirements) }
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
