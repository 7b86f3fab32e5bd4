import type { CompiledRule, Slot } from './compiled-rule.ts'
import { Prefilter, type SlotPatterns } from './prefilter.ts'

/** Rules that chose a pattern in one buffer. */
export interface SlotPrefilter {
  readonly slot: Slot
  readonly prefilter: Prefilter
}

/** Rules of one protocol and direction. */
export interface RuleGroup {
  /** Over buffers that are seen whole, one each. */
  readonly whole: readonly SlotPrefilter[]
  /** Over all buffers that are stretches of an HTTP head; null: no rule chose one of them. */
  readonly head: Prefilter | null
  /** Over bodies, or the stream itself: text that comes in chunks. */
  readonly chunked: Prefilter | null
  /** Rules without a fast pattern, in order. */
  readonly always: readonly CompiledRule[]
  readonly alwaysSet: ReadonlySet<CompiledRule>
  readonly size: number
}

const NO_RULES: RuleGroup = {
  whole: [],
  head: null,
  chunked: null,
  always: [],
  alwaysSet: new Set(),
  size: 0,
}

/** A group while its rules are gathered. */
export class GroupDraft {
  readonly #bySlot = new Map<Slot, Map<string, CompiledRule[]>>()
  readonly #always: CompiledRule[] = []
  readonly #isChunked: (slot: Slot) => boolean

  readonly #isHead: boolean

  /**
   * @param isChunked whether what the buffer holds comes in chunks
   * @param isHead the rules are about HTTP messages
   */
  constructor(isChunked: (slot: Slot) => boolean, isHead: boolean) {
    this.#isChunked = isChunked
    this.#isHead = isHead
  }

  addAlways(rule: CompiledRule): void {
    this.#always.push(rule)
  }

  /** @param pattern latin1, found in letters of both cases */
  add(rule: CompiledRule, slot: Slot, pattern: string): void {
    const patterns = this.#bySlot.get(slot) ?? new Map<string, CompiledRule[]>()
    this.#bySlot.set(slot, patterns)
    const key = pattern.replaceAll(/[A-Z]+/g, (run) => run.toLowerCase())
    const rules = patterns.get(key)
    if (rules === undefined) patterns.set(key, [rule])
    else rules.push(rule)
  }

  *rules(): Iterable<CompiledRule> {
    yield* this.#always
    for (const patterns of this.#bySlot.values())
      for (const rules of patterns.values()) yield* rules
  }

  /** @param isWanted which of the rules; all where it is absent */
  finish(isWanted?: (rule: CompiledRule) => boolean): RuleGroup {
    const always = isWanted === undefined ? this.#always : this.#always.filter(isWanted)
    const bySlot = isWanted === undefined ? this.#bySlot : selection(this.#bySlot, isWanted)
    if (always.length === 0 && bySlot.size === 0) return NO_RULES
    let size = always.length
    for (const patterns of bySlot.values())
      for (const rules of patterns.values()) size += rules.length
    return {
      whole: [...bySlot]
        .filter(([slot]) => !this.#isChunked(slot))
        .map(([slot, patterns]) => ({
          slot,
          prefilter: new Prefilter(new Map([[slot, patterns]])),
        })),
      head: this.#isHead ? prefilterOf(bySlot, isHeadSlot) : null,
      chunked: prefilterOf(bySlot, this.#isChunked),
      always,
      alwaysSet: new Set(always),
      size,
    }
  }
}

function isHeadSlot({ reading }: Slot): boolean {
  return reading === 'head' || reading === 'target' || reading === 'lines'
}

function prefilterOf(
  bySlot: ReadonlyMap<Slot, SlotPatterns>,
  isWanted: (slot: Slot) => boolean,
): Prefilter | null {
  const slots = [...bySlot].filter(([slot]) => isWanted(slot))
  return slots.length === 0 ? null : new Prefilter(new Map(slots))
}

function selection(
  bySlot: ReadonlyMap<Slot, SlotPatterns>,
  isWanted: (rule: CompiledRule) => boolean,
): ReadonlyMap<Slot, SlotPatterns> {
  const selected = new Map<Slot, SlotPatterns>()
  for (const [slot, patterns] of bySlot) {
    const kept = new Map<string, readonly CompiledRule[]>()
    for (const [pattern, rules] of patterns) {
      const wanted = rules.filter(isWanted)
      if (wanted.length > 0) kept.set(pattern, wanted)
    }
    if (kept.size > 0) selected.set(slot, kept)
  }
  return selected
}
