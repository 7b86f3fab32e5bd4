import type { Transformation } from '../transformations/transformation.ts'
import type { GateView } from './gate-index.ts'
import type { Interest } from './interest.ts'

/**
 * Everything that is known of one byte string, whatever variable it came from: what it becomes under
 * each transformation, and which predicates it satisfies, could satisfy, or does not.
 *
 * `bits` holds two words for each 32 predicates. The first half (live) has a bit for each predicate that
 * the text may satisfy: at first all candidates of the gate, then fewer, as answers come in. The second
 * half (known) has a bit for each predicate that was tried. All of it follows from the text alone, so a
 * value seen again (a User-Agent, a cookie) costs one look-up.
 */
export class TextFacts {
  readonly text: string
  /** The raw value that the text was made of; null: it is one. */
  readonly origin: TextFacts | null
  /** Of a raw value: all texts made of it, each once. */
  derived: TextFacts[] | null = null
  /** Transformations that were tried, and what each made of the text. */
  tried: Transformation[] | null = null
  results: TextFacts[] | null = null
  /** Bits of trigger-masks.ts; 0: not looked at. */
  triggers = 0
  /** Null: not gated yet. An array: a typed one of this size costs ten times as much to make. */
  bits: number[] | null = null
  /** The gates that were asked last. Predicates that none was asked about have no bit. */
  gatedBy: GateView | null = null
  /** Groups of rules that a raw value may satisfy, of those that somebody was interested in (phase-gate.ts). */
  interest: Interest | null = null
  liveGroups: number[] | null = null
  /** The answer for a second one: the same value may belong to two variables. */
  otherInterest: Interest | null = null
  otherLiveGroups: number[] | null = null

  constructor(text: string, origin: TextFacts | null) {
    this.text = text
    this.origin = origin
  }
}
